//! A shop behind TLS with a root of its own: told where the configuration knows the root, and nobody is told elsewhere.

use super::receiver::{Answer, Shop};
use super::{by_order, endpoint, journal, numbers, paid, scraped, until_scraped, world};
use crate::fixture::{in_time, until};
use crate::tls_faults::{Roots, SecureFront};

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_with_a_root_of_its_own_is_told_where_that_is_known() {
    let (roots, strangers) = (Roots::new(), Roots::new());
    let directory = tempfile::tempdir().unwrap();
    let root = |name: &str, pem: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, pem).unwrap();
        format!("extra_root = \"{}\"", path.display())
    };
    let (ours, others) = (root("ours.pem", &roots.pem()), root("others.pem", &strangers.pem()));
    // What the configuration trusts beside the public roots, and whether the shop hears.
    let table = [("known", ours.as_str(), true), ("other", &others, false), ("none", "", false)];
    let (mut shops, mut fronts, mut endpoints) = (Vec::new(), Vec::new(), Vec::new());
    for (name, root, hears) in table {
        let shop = Shop::start(|_, _| Answer::Status(204)).await;
        let front = SecureFront::start(shop.address(), roots.good()).await;
        endpoints.push(endpoint(name, &front.origin("/hooks"), 1, root));
        shops.push((name, shop, hears));
        fronts.push(front);
    }
    let world = world(&endpoints).await;
    let daemon = world.daemon().await;
    paid(&world, &daemon, &numbers(2)).await;
    let journal = journal(&daemon).await;
    for (name, shop, hears) in &shops {
        let delivered = |verdict: &str| {
            format!(
                "reconciled_webhook_deliveries_total{{endpoint=\"{name}\",merchant=\"shop\",verdict=\"{verdict}\"}}"
            )
        };
        if *hears {
            in_time(until(|| by_order(&shop.took()) == journal)).await;
            until_scraped(
                &daemon,
                &format!("reconciled_webhook_backlog{{endpoint=\"{name}\",merchant=\"shop\"}}"),
                0.0,
            )
            .await;
        } else {
            let refused = || {
                tokio::task::block_in_place(|| scraped(&daemon, &delivered("unreachable")))
                    .is_some_and(|count| count > 0.0)
            };
            in_time(until(refused)).await;
            assert!(shop.heard().is_empty(), "{name}");
        }
    }
    daemon.stop().await;
}

//! The checksum against the published vectors.

use ring::signature::{RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey};

use super::*;

fn parameters(text: &str) -> Vec<(String, String)> {
    let parts: Vec<_> = text.trim_end_matches(';').split(';').map(str::to_owned).collect();
    parts.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

#[test]
fn the_published_hmac_vectors_come_out() {
    let check = |key: &str, text: &str, checksum: &str| {
        let mut sealed = parameters(text);
        sealed.reverse();
        Seal::Hmac(key.to_owned()).put_on(&mut sealed);
        assert_eq!(sealed.last().unwrap(), &("checksum".to_owned(), checksum.to_owned()));
    };
    check(
        "123",
        "amount;1500;mdOrder;ed6f3abf-cea0-427e-afdf-0ba43ead124f;operation;deposited;orderNumber;89312;status;1;",
        "9F8253A6BB7777D067DD955751119FA5AAF67B14B9215147190F96B505CDB72C",
    );
    check(
        "yourSecretToken",
        "amount;123456;mdOrder;3ff6962a-7dcc-4283-ab50-a6d7dd3386fe;operation;deposited;orderNumber;10747;status;1;",
        "51C892147225ABE87798CB02979D70EF46D0AE79B5AA3B28B1C260BE286C50A9",
    );
}

/// A key of this test alone.
const KEY: &str = include_str!("test_key.pem");

#[test]
fn a_signature_is_by_the_key_and_over_all_but_itself_and_its_alias() {
    let text = "amount;35000099;mdOrder;12b59da8-f68f-7c8d-12b5-9da8000826ea;operation;deposited;status;1;";
    let mut sealed = parameters(text);
    let seal = Seal::rsa(KEY, RsaHash::Sha512).unwrap();
    seal.put_on(&mut sealed);
    assert_eq!(sealed[4].0, "sign_alias");
    let (name, checksum) = &sealed[5];
    assert_eq!((name.as_str(), checksum.len()), ("checksum", 512));
    let signature: Vec<u8> =
        (0..256).map(|at| u8::from_str_radix(&checksum[2 * at..2 * at + 2], 16).unwrap()).collect();
    let Seal::Rsa { key, .. } = &seal else { panic!("no signature") };
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA512, key.public());
    public.verify(text.as_bytes(), &signature).unwrap();
}

#[test]
fn a_seal_is_read_and_never_shown() {
    let read = |text: &str| serde_json::from_str::<Seal>(text).map_err(|error| error.to_string());
    assert!(matches!(read(r#"{"hmac_key":"secret"}"#), Ok(Seal::Hmac(_))));
    let rsa = serde_json::json!({"rsa_key": KEY, "hash": "sha256"}).to_string();
    assert!(matches!(read(&rsa), Ok(Seal::Rsa { hash: RsaHash::Sha256, .. })));
    for bad in [r"{}", r#"{"hmac_key":""}"#, r#"{"rsa_key":"secret"}"#, r#"{"hmac_key":"secret","rsa_key":"x"}"#] {
        assert!(!read(bad).unwrap_err().contains("secret"), "{bad}");
    }
    assert_eq!(format!("{:?}", Seal::Hmac("secret".to_owned())), "Hmac");
}

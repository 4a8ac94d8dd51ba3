use proptest::prelude::*;
use secrecy::SecretString;

use super::*;

fn hmac(secret: &str) -> Key {
    Key::hmac(Hash::Sha256, &SecretString::from(secret.to_owned()))
}

/// The documents' own examples, recomputed.
#[test]
fn a_shared_secret_signs_as_the_documents_have_it() {
    let table = [
        (
            "123",
            "mdOrder=ed6f3abf-cea0-427e-afdf-0ba43ead124f&orderNumber=89312&operation=deposited&status=1&amount=1500",
            "9F8253A6BB7777D067DD955751119FA5AAF67B14B9215147190F96B505CDB72C",
        ),
        (
            "yourSecretToken",
            "amount=123456&orderNumber=10747&mdOrder=3ff6962a-7dcc-4283-ab50-a6d7dd3386fe&operation=deposited&status=1",
            "51C892147225ABE87798CB02979D70EF46D0AE79B5AA3B28B1C260BE286C50A9",
        ),
    ];
    for (secret, params, checksum) in table {
        let key = hmac(secret);
        for checksum in [checksum.to_owned(), checksum.to_lowercase()] {
            let signed = format!("checksum={checksum}");
            // In the query, in the form, in both; and the name of the key is no part of it.
            for (query, form) in [
                (format!("{params}&{signed}"), String::new()),
                (String::new(), format!("{signed}&{params}")),
                (signed.clone(), params.to_owned()),
                (format!("{params}&{signed}&sign_alias=SHA-256+with+RSA"), String::new()),
            ] {
                let callback = read(query.as_bytes(), form.as_bytes(), &key).unwrap();
                assert!(callback.order_id.is_some() && callback.order_number.is_some(), "{query} {form}");
                let other = read(query.as_bytes(), form.as_bytes(), &hmac("another"));
                assert_eq!(other, Err(Refused::Forged), "another secret");
            }
        }
        for forged in [
            params.to_owned(),
            format!("{params}&checksum="),
            format!("{params}&checksum=zz"),
            format!("{params}&checksum={}", checksum.get(2..).unwrap()),
            format!("{params}&checksum={checksum}00"),
            format!("{params}&checksum={checksum}&more=1"),
            format!("{}&checksum={checksum}", params.replace("status=1", "status=0")),
            format!("{}&checksum={checksum}", params.replace("&status=1", "")),
        ] {
            assert_eq!(read(forged.as_bytes(), b"", &key), Err(Refused::Forged), "{forged}");
        }
    }
}

const BANK_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwtuGKbQ4WmfdV1gjWWys\n\
5jyHKTWXnxX3zVa5/Cx5aKwJpOsjrXnHh6l8bOPQ6Sgj3iSeKJ9plZ3i7rPjkfmw\n\
qUOJ1eLU5NvGkVjOgyi11aUKgEKwS5Iq5HZvXmPLzu+U22EUCTQwjBqnE/Wf0hnI\n\
wYABDgc0fJeJJAHYHMBcJXTuxF8DmDf4DpbLrQ2bpGaCPKcX+04POS4zVLVCHF6N\n\
6gYtM7U2QXYcTMTGsAvmIqSj1vddGwvNGeeUVoPbo6enMBbvZgjN5p6j3ItTziMb\n\
Vba3m/u7bU1dOG2/79UpGAGR10qEFHiOqS6WpO7CuIR2tL9EznXRc7D9JZKwGfoY\n\
/QIDAQAB\n-----END PUBLIC KEY-----\n";

/// The bank's sample: it says SHA-256, and is SHA-512.
#[test]
fn the_banks_signature_verifies_with_the_hash_of_the_configuration() {
    let params = "amount=35000099&mdOrder=12b59da8-f68f-7c8d-12b5-9da8000826ea&operation=deposited&status=1";
    let checksum = "9524FD765FB1BABFB1F42E4BC6EF5A4B07BAA3F9C809098ACBB462618A9327539F975FEDB4CF6EC1556FF88BA74774342AF4\
    F5B51BA63903BE9647C670EBD962467282955BD1D57B16935C956864526810870CD32967845EBABE1C6565C03F94FF66907C\
    EDB54669A1C74AC1AD6E39B67FA7EF6D305A007A474F03B80FD6C965656BEAA74E09BB1189F4B32E622C903DC52843C454B7\
    ACF76D6F76324C27767DE2FF6E7217716C19C530CA7551DB58268CC815638C30F3BCA3270E1FD44F63C14974B108E65C2063\
    8ECE2F2D752F32742FFC5077415102706FA5235D310D4948A780B08D1B75C8983F22F211DFCBF14435F262ADDA6A97BFEB6D\
    332C3D51010B";
    let query = format!("{params}&sign_alias=SHA-256+with+RSA&checksum={checksum}");
    let key = |hash| Key::rsa(hash, BANK_KEY.as_bytes()).unwrap();
    let callback = read(query.as_bytes(), b"", &key(Hash::Sha512)).unwrap();
    assert_eq!(callback.order_id.unwrap().as_str(), "12b59da8-f68f-7c8d-12b5-9da8000826ea");
    for hash in [Hash::Sha256, Hash::Sha384] {
        assert_eq!(read(query.as_bytes(), b"", &key(hash)), Err(Refused::Forged), "{hash:?}");
    }
    let other = query.replace("amount=35000099", "amount=35000098");
    assert_eq!(read(other.as_bytes(), b"", &key(Hash::Sha512)), Err(Refused::Forged));
}

#[test]
fn what_is_no_rsa_key_is_refused_when_it_is_read() {
    let pair = rcgen::generate_simple_self_signed(vec!["bank.example".to_owned()]).unwrap();
    for pem in [String::new(), "key".to_owned(), pair.cert.pem(), pair.signing_key.public_key_pem()] {
        assert!(Key::rsa(Hash::Sha512, pem.as_bytes()).is_err(), "{pem}");
    }
}

#[test]
fn names_and_values_are_decoded_and_signed_in_the_order_of_their_names() {
    let read = |query: &str| Params::read(query.as_bytes(), b"").map(|params| params.signed_text());
    let table: [(&str, &[u8]); 7] = [
        ("", b""),
        ("b=2&a=1", b"a;1;b;2;"),
        ("a=Mon+Jan%2031&&b", b"a;Mon Jan 31;b;;"),
        ("a=%D0%B6&B=%zz%4", b"B;%zz%4;a;\xd0\xb6;"),
        ("a=1=2", b"a;1=2;"),
        ("checksum=1&sign_alias=x&a=1", b"a;1;"),
        ("a=%3B", b"a;;;"),
    ];
    for (query, text) in table {
        assert_eq!(read(query).as_deref(), Ok(text), "{query}");
    }
    let long = format!("a={}", "x".repeat(params::VALUE_MAX + 1));
    let many: Vec<String> = (0..=params::COUNT_MAX).map(|number| format!("p{number}=1")).collect();
    let table = [
        ("a=1&a=1", Malformed::Twice),
        ("a%3Bb=1", Malformed::Name),
        ("=1", Malformed::Name),
        (&long, Malformed::TooLong),
        (&many.join("&"), Malformed::TooMany),
    ];
    for (query, why) in table {
        assert_eq!(read(query), Err(why), "{query}");
    }
    assert_eq!(Params::read(b"a=1", b"a=2"), Err(Malformed::Twice));
}

proptest! {
    #[test]
    fn whatever_is_sent_is_answered(query: Vec<u8>, form: Vec<u8>) {
        let bytes = [query, b"\n".to_vec(), form].concat();
        fuzzing::callback(&bytes);
    }
}

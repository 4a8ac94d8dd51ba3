//! A line of the witness: tab-separated texts, the hash of the line before it, and its own.
//!
//! It is read by people when the database is in doubt, so it is text, and says amounts as the API does.

use ring::digest;

use super::super::seal::hex;

/// The longest line: an order number, an order id and a reason have some hundred characters each.
pub(super) const LINE_MAX: u64 = 8_192;

/// The hash of a line; of nothing before the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Hash(String);

impl Hash {
    /// What stands before the first line.
    pub(super) fn of_nothing() -> Self {
        Self("0".repeat(64))
    }

    pub(super) fn of(text: &str) -> Self {
        Self(hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref()))
    }

    pub(in super::super) fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub(in super::super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A send as the witness knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its number, which the database gave out.
    pub seq: i64,
    /// When, as the witness wrote it.
    pub at: String,
    /// Whose order.
    pub merchant: String,
    /// The shop's number.
    pub order_number: String,
    /// The gateway's id.
    pub order_id: String,
    /// What was sent: `completion`, `reversal`, `refund` or `decline`.
    pub kind: String,
    /// How much was asked for, in minor units; `None` is the whole hold.
    pub amount_minor: Option<i64>,
    /// What must stand at the bank afterwards, in minor units.
    pub expected_minor: i64,
    /// Which attempt of its operation it was.
    pub attempt: u32,
    /// Of a refund: minor units that had been given back before it, which it is measured from. Without them one refund
    /// looks like another of the same sum. Lines of earlier versions do not say, and nothing else has any.
    pub refunded_before_minor: Option<i64>,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// The file begins; the database had given out numbers up to this one.
    Begun {
        seq: i64,
        at: String,
    },
    Sent(Sent),
    /// A person vouched for the database and this file together.
    Adopted {
        seq: i64,
        at: String,
        who: String,
        reason: String,
    },
}

impl Entry {
    /// The line, its end included, and its hash.
    pub(super) fn to_line(&self, before: &Hash) -> (String, Hash) {
        let said = match self {
            Self::Begun { seq, at } => format!("begun\t{seq}\t{at}"),
            Self::Sent(sent) => {
                let amount = sent.amount_minor.map_or_else(|| "whole".to_owned(), |minor| minor.to_string());
                let Sent { seq, at, merchant, order_number, order_id, kind, expected_minor, attempt, .. } = sent;
                let (number, id) = (inert(order_number), inert(order_id));
                let before = sent.refunded_before_minor.map_or_else(String::new, |minor| format!("\t{minor}"));
                format!(
                    "sent\t{seq}\t{at}\t{merchant}\t{number}\t{id}\t{kind}\t{amount}\t{expected_minor}\t{attempt}{before}"
                )
            }
            Self::Adopted { seq, at, who, reason } => {
                format!("adopted\t{seq}\t{at}\t{}\t{}", inert(who), inert(reason))
            }
        };
        let chained = format!("{said}\t{}", before.as_str());
        let own = Hash::of(&chained);
        (format!("{chained}\t{}\n", own.as_str()), own)
    }

    /// What `line`, without its end, says; the hash it names as the one before it; its own.
    pub(super) fn parse(line: &str) -> Option<(Self, Hash, Hash)> {
        let (chained, own) = line.rsplit_once('\t')?;
        let (said, before) = chained.rsplit_once('\t')?;
        let entry = Self::parse_said(said)?;
        (Hash::of(chained).as_str() == own).then(|| (entry, Hash(before.to_owned()), Hash(own.to_owned())))
    }

    /// What a line says, whatever its hashes are.
    pub(super) fn parse_unproven(line: &str) -> Option<Self> {
        let said = line.rsplitn(3, '\t').nth(2)?;
        Self::parse_said(said)
    }

    fn parse_said(said: &str) -> Option<Self> {
        let parts: Vec<&str> = said.split('\t').collect();
        match parts.as_slice() {
            ["begun", seq, at] => Some(Self::Begun { seq: seq.parse().ok()?, at: (*at).to_owned() }),
            ["sent", seq, at, merchant, number, id, kind, amount, expected, attempt, before @ ..] => {
                Some(Self::Sent(Sent {
                    seq: seq.parse().ok()?,
                    at: (*at).to_owned(),
                    merchant: (*merchant).to_owned(),
                    order_number: (*number).to_owned(),
                    order_id: (*id).to_owned(),
                    kind: (*kind).to_owned(),
                    amount_minor: if *amount == "whole" { None } else { Some(amount.parse().ok()?) },
                    expected_minor: expected.parse().ok()?,
                    attempt: attempt.parse().ok()?,
                    refunded_before_minor: match before {
                        [] => None,
                        [minor] => Some(minor.parse().ok()?),
                        _ => return None,
                    },
                }))
            }
            ["adopted", seq, at, who, reason] => Some(Self::Adopted {
                seq: seq.parse().ok()?,
                at: (*at).to_owned(),
                who: (*who).to_owned(),
                reason: (*reason).to_owned(),
            }),
            _ => None,
        }
    }
}

/// No text may look like two fields or two lines.
fn inert(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

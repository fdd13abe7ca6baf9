//! The slots of a cluster, and which primary has them.

use redis::Value;

use crate::address::Address;

/// How many slots a cluster has.
pub(crate) const SLOTS: u16 = 16384;

/// The slot of a hash tag: CRC-16/XMODEM, as the cluster specification says.
pub(crate) fn slot(tag: &str) -> u16 {
    let next = |crc: u16, byte: u8| {
        let [high, _] = crc.to_be_bytes();
        (crc << 8) ^ CRC[usize::from(high ^ byte)]
    };
    tag.bytes().fold(0, next) % SLOTS
}

const CRC: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte: u16 = 0;
    while byte < 256 {
        let mut crc = byte << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        table[byte as usize] = crc;
        byte += 1;
    }
    table
};

/// A server that takes commits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Primary {
    /// Its number in the cluster; empty where there is no cluster.
    pub(crate) id: String,
    pub(crate) address: Address,
}

/// Who has which slots, as one server sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Map {
    /// The last slot of each range and who has it, in order. Slots that nobody has belong to the range after them: its
    /// primary says so itself.
    ranges: Vec<(u16, Primary)>,
    /// Others that can be asked who has which slots.
    pub(crate) replicas: Vec<Address>,
}

impl Map {
    /// One primary has everything.
    pub(crate) fn one(address: Address) -> Self {
        Self { ranges: vec![(SLOTS - 1, Primary { id: String::new(), address })], replicas: Vec::new() }
    }

    /// Reads the answer of `asked` to `CLUSTER SLOTS`. `None`: it is none, or nobody has any slot.
    pub(crate) fn parse(answer: Value, asked: &Address) -> Option<Self> {
        let mut map = Self::default();
        for range in array(answer)? {
            let mut parts = array(range)?.into_iter().skip(1);
            let Value::Int(last) = parts.next()? else { return None };
            let mut nodes = parts.map(|node| parse_node(node, asked)).collect::<Option<Vec<_>>>()?.into_iter();
            map.ranges.push((u16::try_from(last).ok()?, nodes.next()?));
            map.replicas.extend(nodes.map(|node| node.address));
        }
        map.ranges.sort();
        map.replicas.sort();
        map.replicas.dedup();
        (!map.ranges.is_empty()).then_some(map)
    }

    pub(crate) fn primary(&self, slot: u16) -> Option<&Primary> {
        let at = self.ranges.partition_point(|(last, _)| *last < slot);
        self.ranges.get(at).or(self.ranges.last()).map(|(_, primary)| primary)
    }

    /// All that have slots, each once.
    pub(crate) fn primaries(&self) -> Vec<Primary> {
        let mut primaries: Vec<_> = self.ranges.iter().map(|(_, primary)| primary.clone()).collect();
        primaries.sort();
        primaries.dedup();
        primaries
    }
}

/// Address, port, id; further parts may follow. A server that does not know its own address leaves it out, and means
/// the one at which it was asked.
fn parse_node(node: Value, asked: &Address) -> Option<Primary> {
    let mut parts = array(node)?.into_iter();
    let host = text(parts.next()?);
    let Value::Int(port) = parts.next()? else { return None };
    let id = text(parts.next()?);
    let host = if host.is_empty() || host == "?" { &*asked.host } else { &host };
    Some(Primary { id, address: Address::new(host, u16::try_from(port).ok()?) })
}

fn array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

fn text(value: Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Value::SimpleString(text) => text,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(slot("123456789"), 0x31C3);
        assert_eq!(slot("foo"), 12182);
        assert_eq!(slot(""), 0);
    }

    fn node(host: Value, port: i64, id: &str) -> Value {
        Value::Array(vec![host, Value::Int(port), Value::SimpleString(id.to_owned()), Value::Array(Vec::new())])
    }

    fn host(host: &str) -> Value {
        Value::BulkString(host.into())
    }

    #[test]
    fn a_map_tells_who_has_a_slot() {
        let range =
            |first, last, nodes: &[Value]| Value::Array([&[Value::Int(first), Value::Int(last)], nodes].concat());
        let answer = Value::Array(vec![
            range(8000, 16383, &[node(host("b"), 2, "y")]),
            range(0, 100, &[node(Value::Nil, 1, "x"), node(host("c"), 3, "z")]),
            range(200, 7999, &[node(host("b"), 2, "y")]),
        ]);
        let asked = Address::new("asked", 9);
        let map = Map::parse(answer, &asked).unwrap();
        let owner = |slot| map.primary(slot).unwrap().address.to_string();
        assert_eq!([0, 100, 101, 200, 16383].map(owner), ["asked:1", "asked:1", "b:2", "b:2", "b:2"]);
        assert_eq!(map.primaries().len(), 2);
        assert_eq!(map.replicas, [Address::new("c", 3)]);
        assert_eq!(Map::parse(Value::Array(Vec::new()), &asked), None);
        assert_eq!(Map::parse(Value::Int(1), &asked), None);
    }
}

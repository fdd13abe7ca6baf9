//! Where a message of Redis's protocol (RESP3) ends.

/// How long the first message of `bytes` is; `None` if it is not whole yet.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let line = bytes.windows(2).position(|two| two == b"\r\n")? + 2;
    let count = || std::str::from_utf8(bytes.get(1..line - 2)?).ok()?.parse::<usize>().ok();
    let parts = match bytes[0] {
        // Nothing has the length -1.
        b'$' | b'!' | b'=' => {
            let end = count().map_or(line, |length| line + length + 2);
            return (bytes.len() >= end).then_some(end);
        }
        b'*' | b'~' | b'>' => count().unwrap_or(0),
        b'%' => 2 * count().unwrap_or(0),
        _ => return Some(line),
    };
    let mut end = line;
    for _ in 0..parts {
        end += length(&bytes[end..])?;
    }
    Some(end)
}

/// The name of the command that the whole message `request` is, in capitals.
pub(super) fn command(request: &[u8]) -> String {
    let word = request.split(|byte| *byte == b'\n').nth(2).unwrap_or_default();
    String::from_utf8_lossy(word).trim_end().to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_where_all_of_its_parts_have_come() {
        for message in [
            "+OK\r\n",
            "_\r\n",
            "$-1\r\n",
            "*-1\r\n",
            "$0\r\n\r\n",
            "$4\r\na\r\nb\r\n",
            "*0\r\n",
            "*2\r\n$3\r\nGET\r\n$1\r\na\r\n",
            "%1\r\n+mode\r\n~2\r\n:1\r\n:2\r\n",
        ] {
            for part in 0..message.len() {
                assert_eq!(length(&message.as_bytes()[..part]), None, "{message:?}");
            }
            assert_eq!(length(format!("{message}+more\r\n").as_bytes()), Some(message.len()), "{message:?}");
        }
        assert_eq!(command(b"*2\r\n$5\r\nhmget\r\n$1\r\na\r\n"), "HMGET");
    }
}

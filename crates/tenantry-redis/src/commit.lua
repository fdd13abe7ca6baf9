#!lua
-- Applies one transaction to one shard, or nothing of it. What it means is decided in Rust; here is no rule.
--
-- KEYS[1]     the hash with the shard's rows and counters
-- KEYS[2..]   every other key that is touched: rows with a lifetime, indexes, logs; all in the shard's slot
-- ARGV[1]     the channel of the notices
-- ARGV[2]     one letter for each of KEYS, which kind of key it is: h(ash), s(tring), z(set),
--             x: a zset that is a sorted index, l(ist)
-- ARGV[3]     1 in a cluster, where the number of this node belongs to the channel
-- ARGV[4]     how long each of the following lists is, as unsigned 32-bit integers, big end first
-- ARGV[5..]   the lists, one after the other. <key> is a place in KEYS, <there> 1 or 0, '' means none:
--             1. rows that must be there           the <field> of each, then those of 2., then the <value> of each
--             2. rows that must not be there       <field>
--             3. checks of rows with a lifetime    <key> <there> <value>
--             4. adds                              <field> <by> <least> <greatest>
--             5. entries to put into an index      <key> <field of its counter> <entry> <number or ''>
--             6. entries of a sorted index for which there must be room    <key> <member> <greatest number of entries>
--             7. rows to delete                    <field>
--             8. rows to put                       <field> <value>
--             9. rows with a lifetime to delete    <key>
--            10. rows with a lifetime to put       <key> <value> <lifetime in ms>
--            11. entries to delete from an index   <key> <entry>
--            12. entries to put into a sorted index       <key> <member>
--            13. entries to delete from a sorted index    <key> <member>
--            14. logs to drop                      <key>
--            15. what to append to a log           <key> <value>
--            16. notices                           <text>
-- Returns     {'applied', the values of the counters of 4., in their order}
--             {'conflict'}                a check did not hold
--             {'limit', n}                the add at place n (from 0) would leave its bounds, or there is no room; places
--                                         of 6. follow those of 4.
--             {'broken', what is wrong}   a key or row is not what it must be
--
-- An error in the middle would not undo the writes before it. So: look at everything, then write, then publish.
-- Each call of Redis costs as much as twenty lines here, so what can be asked or written together is.

-- Up to here, every whole number is a Lua number.
local GREATEST = 9007199254740992
local KINDS = { h = 'hash', s = 'string', z = 'zset', x = 'zset', l = 'list' }
-- How many arguments are given to one call of Redis: Lua has room for 8000. Even, for pairs.
local TOGETHER = 4000

local ARGV, KEYS, call = ARGV, KEYS, redis.call
local rows = KEYS[1]

-- Asked of the node itself, and before anything is written: whoever sent this may know an old number.
local channel = ARGV[1]
if ARGV[3] == '1' then
  channel = channel .. ':' .. call('CLUSTER', 'MYID')
end

local there, absent, passing, adds, index_puts, rooms, deletes, puts, passing_deletes, passing_puts, index_deletes,
  sorted_puts, sorted_deletes, drops, appends, notices = struct.unpack('>IIIIIIIIIIIIIIII', ARGV[4])

-- The place of the last argument that was taken.
local place = 4
local function take()
  place = place + 1
  return ARGV[place]
end
local function key()
  return KEYS[tonumber(take())]
end
-- Takes `count` arguments, and gives them to `command` of the rows.
local function of_rows(command, count)
  local last = place + count
  while place < last do
    local next = math.min(place + TOGETHER, last)
    call(command, rows, unpack(ARGV, place + 1, next))
    place = next
  end
end
-- Never with an exponent.
local function text(whole)
  return string.format('%.0f', whole)
end

for i, name in ipairs(KEYS) do
  local kind = call('TYPE', name).ok
  if kind ~= 'none' and kind ~= KINDS[string.sub(ARGV[2], i, i)] then
    return { 'broken', 'key ' .. name .. ' is a ' .. kind .. ': delete it, or choose another namespace' }
  end
end

local checks = there + absent
for first = 1, checks, TOGETHER do
  local last = math.min(first + TOGETHER - 1, checks)
  local found = call('HMGET', rows, unpack(ARGV, place + first, place + last))
  for i = first, last do
    -- An absent row is false.
    if found[i - first + 1] ~= (i <= there and ARGV[place + checks + i]) then
      return { 'conflict' }
    end
  end
end
place = place + checks + there
for _ = 1, passing do
  local found, must_be_there, expected = call('GET', key()), take(), take()
  if found ~= (must_be_there == '1' and expected) then
    return { 'conflict' }
  end
end

-- The values of the counters that change, as far as this transaction has come.
local counters = {}
local function counter(field)
  local value = counters[field]
  if value then
    return value
  end
  local row = call('HGET', rows, field)
  if not row then
    return 0
  end
  value = tonumber(row)
  if value and value >= -GREATEST and value <= GREATEST and text(value) == row then
    return value
  end
  return nil
end
local function broken(field)
  return { 'broken', 'row ' .. field .. ' of ' .. rows .. ' is no counter: delete it, or put a whole number' }
end

local added = {}
for i = 1, adds do
  local field, by, least, greatest = take(), tonumber(take()), tonumber(take()), tonumber(take())
  local value = counter(field)
  if not value then
    return broken(field)
  end
  local sum = value + by
  -- 2^53 + 1 would be rounded to 2^53: then the way back does not lead to where it came from.
  if sum < least or sum > greatest or sum - by ~= value then
    return { 'limit', text(i - 1) }
  end
  counters[field] = sum
  added[i] = field
end

local entries = {}
for _ = 1, index_puts do
  local index, field, entry, given = key(), take(), take(), take()
  if not call('ZSCORE', index, entry) then
    if given == '' then
      local last = counter(field)
      if not last or last < 0 or last >= GREATEST then
        return broken(field)
      end
      counters[field] = last + 1
      given = text(last + 1)
    end
    entries[#entries + 1] = { index, given, entry }
  end
end

for i = 1, rooms do
  local index, member, greatest = key(), take(), tonumber(take())
  if call('ZCARD', index) >= greatest and not call('ZSCORE', index, member) then
    return { 'limit', text(adds + i - 1) }
  end
end

of_rows('HDEL', deletes)
of_rows('HSET', 2 * puts)
for field, value in pairs(counters) do
  call('HSET', rows, field, text(value))
end
for _ = 1, passing_deletes do
  call('DEL', key())
end
for _ = 1, passing_puts do
  call('SET', key(), take(), 'PX', take())
end
for _ = 1, index_deletes do
  call('ZREM', key(), take())
end
for _, entry in ipairs(entries) do
  call('ZADD', unpack(entry))
end
-- A score of 0 for all: Redis orders the members byte by byte.
for _ = 1, sorted_puts do
  call('ZADD', key(), 0, take())
end
for _ = 1, sorted_deletes do
  call('ZREM', key(), take())
end
-- Not DEL: the memory of a long log is given back while others are served.
for _ = 1, drops do
  call('UNLINK', key())
end
for _ = 1, appends do
  call('RPUSH', key(), take())
end
for _ = 1, notices do
  call('PUBLISH', channel, take())
end

local reply = { 'applied' }
for i, field in ipairs(added) do
  reply[i + 1] = text(counters[field])
end
return reply

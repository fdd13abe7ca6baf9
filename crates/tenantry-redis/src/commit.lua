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
-- ARGV[5..]   the lists, one after the other. <key> is a place in KEYS, <counter> one in list 3, <there> 1 or 0, ''
--             means none, and no bound:
--             1. rows that must be there           <field>; the <value> of each follows list 3
--             2. rows that must not be there       <field>
--             3. counters                          <field>
--             4. checks of rows with a lifetime    <key> <there> <value>
--             5. adds                              <counter> <by> <least> <greatest>
--             6. entries to put into an index      <key> <its counter> <entry> <number or ''>
--             7. entries of a sorted index for which there must be room    <key> <member> <greatest number of entries>
--             8. rows to delete                    <field>
--             9. rows to put                       <field> <value>
--            10. rows with a lifetime to delete    <key>
--            11. rows with a lifetime to put       <key> <value> <lifetime in ms>
--            12. entries to delete from an index   <key> <entry>
--            13. entries to put into a sorted index       <key> <member>
--            14. entries to delete from a sorted index    <key> <member>
--            15. logs to drop                      <key>
--            16. what to append to a log           <key> <value>
--            17. notices                           <text>
-- Returns     {'applied', the values of the counters of 5., in their order}
--             {'conflict'}                a check did not hold
--             {'limit', n}                the add at place n (from 0) would leave its bounds, or there is no room; places
--                                         of 7. follow those of 5.
--             {'broken', what is wrong}   a key or row is not what it must be
--
-- An error in the middle would not undo the writes before it. So: look at everything, then write, then publish.
-- Each call of Redis costs as much as twenty lines here, so rows are read by one and written by one.

-- Up to here, every whole number is a Lua number.
local GREATEST = 9007199254740992
-- How many arguments are given to one call of Redis: Lua has room for 8000. Even, for pairs.
local TOGETHER = 4000

local ARGV, KEYS, call = ARGV, KEYS, redis.call
local rows = KEYS[1]

-- Asked of the node itself, and before anything is written: whoever sent this may know an old number.
local channel = ARGV[1]
if ARGV[3] == '1' then
  channel = channel .. ':' .. call('CLUSTER', 'MYID')
end

local there, absent, counters, passing, adds, index_puts, rooms, deletes, puts, passing_deletes, passing_puts,
  index_deletes, sorted_puts, sorted_deletes, drops, appends, notices = struct.unpack('>IIIIIIIIIIIIIIIII', ARGV[4])

-- The place of the last argument that was taken.
local place = 4
local function take()
  place = place + 1
  return ARGV[place]
end
local function key()
  return KEYS[tonumber(take())]
end
-- Gives `command` of the rows the arguments of `list` from one place to another.
local function of_rows(command, list, from, to)
  for first = from, to, TOGETHER do
    call(command, rows, unpack(list, first, math.min(first + TOGETHER - 1, to)))
  end
end
local function bound(given, default)
  return given == '' and default or tonumber(given)
end
-- Never with an exponent.
local function text(whole)
  return string.format('%.0f', whole)
end

-- A key of another kind stops the first call for it, which must not come behind a write. The rows are read before all
-- writes, or are what is written first. A row with a lifetime is read before them, too, and written over in any case.
for i = 2, #KEYS do
  local letter = string.sub(ARGV[2], i, i)
  if letter ~= 's' then
    local kind = call('TYPE', KEYS[i]).ok
    if kind ~= 'none' and kind ~= (letter == 'l' and 'list' or 'zset') then
      return { 'broken', 'key ' .. KEYS[i] .. ' is a ' .. kind .. ': delete it, or choose another namespace' }
    end
  end
end

-- The values of the counters, as far as this transaction has come, in the order of list 3; and which it changes.
local values, changed = {}, {}
local first_counter = place + there + absent
local first_value = first_counter + counters
local function broken(counter)
  local field = ARGV[first_counter + counter]
  return { 'broken', 'row ' .. field .. ' of ' .. rows .. ' is no counter: delete it, or put a whole number' }
end
local asked = there + absent + counters
for first = 1, asked, TOGETHER do
  local last = math.min(first + TOGETHER - 1, asked)
  local found = call('HMGET', rows, unpack(ARGV, place + first, place + last))
  for i = first, last do
    -- An absent row is false.
    local row = found[i - first + 1]
    if i > there + absent then
      local value = 0
      if row and row ~= '0' then
        value = string.find(row, '^%-?[1-9]%d*$') and tonumber(row)
        -- 2^53 + 1 would be read as 2^53.
        local exact = value and value >= -GREATEST and value <= GREATEST and (#row < 16 or text(value) == row)
        value = exact and value
      end
      values[i - there - absent] = value
    elseif row ~= (i <= there and ARGV[first_value + i]) then
      return { 'conflict' }
    end
  end
end
place = first_value + there
for _ = 1, passing do
  local found, must_be_there, expected = call('GET', key()), take(), take()
  if found ~= (must_be_there == '1' and expected) then
    return { 'conflict' }
  end
end

local added = {}
for i = 1, adds do
  local counter, by, least, greatest = tonumber(take()), tonumber(take()), take(), take()
  local value = values[counter]
  if not value then
    return broken(counter)
  end
  local sum = value + by
  -- 2^53 + 1 would be rounded to 2^53: then the way back does not lead to where it came from.
  if sum < bound(least, -GREATEST) or sum > bound(greatest, GREATEST) or sum - by ~= value then
    return { 'limit', i - 1 }
  end
  values[counter] = sum
  changed[counter] = true
  added[i] = counter
end

local entries = {}
for _ = 1, index_puts do
  local index, counter, entry, given = key(), tonumber(take()), take(), take()
  if not call('ZSCORE', index, entry) then
    if given == '' then
      local last = values[counter]
      if not last or last < 0 or last >= GREATEST then
        return broken(counter)
      end
      values[counter] = last + 1
      changed[counter] = true
      given = text(last + 1)
    end
    entries[#entries + 1] = { index, given, entry }
  end
end
for i = 1, rooms do
  local index, member, greatest = key(), take(), tonumber(take())
  if call('ZCARD', index) >= greatest and not call('ZSCORE', index, member) then
    return { 'limit', adds + i - 1 }
  end
end

of_rows('HDEL', ARGV, place + 1, place + deletes)
place = place + deletes
local written = {}
for i = 1, 2 * puts do
  written[i] = take()
end
for counter in pairs(changed) do
  written[#written + 1] = ARGV[first_counter + counter]
  written[#written + 1] = text(values[counter])
end
of_rows('HSET', written, 1, #written)
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
for i, counter in ipairs(added) do
  reply[i + 1] = values[counter]
end
return reply

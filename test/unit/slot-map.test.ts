import test from 'ava';
import { masterOf, readSlotMap } from '../../src/redis/cluster/slot-map.ts';
import { slotOf } from '../../src/redis/cluster/slot.ts';
import { ofShard } from '../../src/redis/script.ts';
import { LUA } from '../../src/redis/script-texts.ts';

test('the slot of a space is that of its hash tag, as Redis counts it', (t) => {
  // Of the specification of Redis Cluster: CRC16 of this text is 0x31c3.
  t.is(slotOf('123456789'), 0x31_c3);
  t.is(slotOf('foo'), 12_182);
  t.is(slotOf('trading'), slotOf('trading'));
});

test('a slot map is read, with nodes that do not know their own address', (t) => {
  const reply = [
    [0, 99, ['10.0.0.1', 7_000, 'a'], ['10.0.0.4', 7_000, 'd']],
    [100, 200, ['', 7_001, 'b']],
    [201, 300, [null, 7_002, 'c', []]],
    [301, 301, ['10.0.0.1', 7_000, 'a']],
  ];
  const map = readSlotMap(reply, 'cluster_state:ok\r\ncluster_current_epoch:7\r\n', 'host');
  t.deepEqual(map.masters, ['10.0.0.1:7000', 'host:7001', 'host:7002']);
  t.is(map.nodes.length, 4);
  t.deepEqual(
    [0, 99, 100, 200, 300, 301, 302].map((slot) => masterOf(map, slot)?.slice(-2)),
    ['00', '00', '01', '01', '02', '00', undefined],
  );
  t.is(map.epoch, 7);
  t.true(map.isServing);
  t.false(readSlotMap(reply, 'cluster_state:fail', 'host').isServing);
});

test('addresses are mapped to those by which nodes are reached', (t) => {
  const map = readSlotMap([[0, 1, ['10.0.0.1', 7_000, 'a']]], '', 'host', (address) => `nat-${address}`);
  t.is(masterOf(map, 1), 'nat-10.0.0.1:7000');
});

test('what is no slot map has no masters', (t) => {
  for (const reply of [null, 'OK', [], [null], [[0, 1]]])
    t.deepEqual(readSlotMap(reply, '', 'h').masters, []);
});

test('in a Cluster scripts publish to the shard; claims and removals to all nodes, too', (t) => {
  for (const [name, lua] of Object.entries(LUA)) {
    const count = (text: string, command: string): number => text.split(`redis.call('${command}'`).length - 1;
    const before = count(lua, 'PUBLISH');
    const after = ofShard(lua);
    t.is(count(after, 'SPUBLISH'), before, name);
    t.is(count(after, 'PUBLISH'), name === 'claim' || name === 'remove' ? 1 : 0, name);
  }
});

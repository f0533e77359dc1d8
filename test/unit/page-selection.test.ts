import test from 'ava';
import { select } from '../../src/http/page/selection.ts';

const bots = (count: number, isLive: (n: number) => boolean = () => true) =>
  Array.from({ length: count }, (_, n) => ({
    name: `bot:${String(n).padStart(4, '0')}`,
    isByName: false,
    isLive: isLive(n),
  }));

test('a few spaces are all shown', (t) => {
  const few = bots(24);
  t.deepEqual(select(few), { shown: few, others: { count: 0, notLive: 0 } });
});

test('of many, those by name are shown, then those that are not well', (t) => {
  const many = [...bots(1_000, (n) => n % 300 !== 7), { name: 'trading', isByName: true, isLive: true }];
  const { shown, others } = select(many);
  t.deepEqual(others, { count: 977, notLive: 0 });
  const names = shown.map(({ name }) => name);
  for (const name of ['trading', 'bot:0007', 'bot:0307', 'bot:0607', 'bot:0907', 'bot:0000'])
    t.true(names.includes(name), name);
  t.deepEqual(names, [...names.slice(0, -1).toSorted(), 'trading'], 'in the order in which they came');
});

test('where more are unwell than fit, the page says how many', (t) => {
  const { shown, others } = select(bots(100, (n) => n % 2 === 0));
  t.is(shown.filter(({ isLive }) => !isLive).length, 24);
  t.deepEqual(others, { count: 76, notLive: 26 });
});

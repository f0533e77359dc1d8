/** Tests that the trading desk computes bars, regimes and strategies correctly, on real history. */
import test from 'ava';
import { parseBars, readBars, type Bar } from '../../examples/trading-desk/bars.ts';
import { EwmaVolatility, RegimeDetector } from '../../examples/trading-desk/regime.ts';
import { LastBar, MarketRegime, StrategyStatus } from '../../examples/trading-desk/schemas.ts';
import {
  COST,
  createStrategies,
  MAX_EXPOSURE,
  NO_TRADE_BAND,
  START_EQUITY,
  type Strategy,
} from '../../examples/trading-desk/strategies.ts';

const HEADER = 'date,open,high,low,close,adjclose,volume';
const GOOD = '2000-01-03,10,12,9,11,11,100';

const bars = readBars();
const regimes = detect(bars);
const books = runStrategies(bars);

test('the csv is 5,105 trading days, 2000-01-03 to 2020-04-17', (t) => {
  t.is(bars.length, 5105);
  t.deepEqual(bars[0], {
    date: '2000-01-03',
    open: 1469.25,
    high: 1478,
    low: 1438.359985,
    close: 1455.219971,
    volume: 931800000,
  });
  t.is(bars.at(-1)?.date, '2020-04-17');
});

for (const [problem, row, message] of [
  ['a missing column', '2000-01-04,10,12,9,11,11', /^line 3: expected 7 columns/],
  ['a column too many', '2000-01-04,10,12,9,11,11,100,7', /^line 3: expected 7 columns/],
  ['a price that is no number', '2000-01-04,10,12,9,x,11,100', /^line 3: close /],
  ['an empty volume', '2000-01-04,10,12,9,11,11,', /^line 3: volume /],
  ['a negative price', '2000-01-04,10,12,-9,11,11,100', /^line 3: low /],
  ['a day that does not exist', '2000-02-30,10,12,9,11,11,100', /^line 3: date /],
  ['a close above the high', '2000-01-04,10,12,9,13,13,100', /^line 3: open and close must lie between/],
  ['the same day twice', GOOD, /^line 3: 2000-01-03 does not come after 2000-01-03/],
] as const) {
  test(`a row with ${problem} is refused by its line number`, (t) => {
    t.throws(() => parseBars(`${HEADER}\n${GOOD}\n${row}\n`), { message });
  });
}

test('a csv with other columns is refused by its header', (t) => {
  t.throws(() => parseBars(`date,price\n${GOOD}\n`), { message: /^line 1: expected the header/ });
});

test('October 2008 is a crisis on every day', (t) => {
  t.deepEqual(regimesIn('2008-10'), { crisis: 23 });
});

test('March 2020 is a crisis from the 9th, the day of its first circuit breaker, to the end of the data', (t) => {
  t.is(regimeOn('2020-03-06').regime, 'bull');
  t.true(regimeOn('2020-03-06').confidence < 0.5, 'the confidence in the bull market fell before');
  for (const regime of regimes.filter((regime) => regime.asOf >= '2020-03-09')) {
    t.is(regime.regime, 'crisis');
    t.is(regime.since, '2020-03-09');
  }
});

test('2001 is a bear market on every day, and 2002 a bear market or a crisis', (t) => {
  t.deepEqual(regimesIn('2001'), { bear: 248 });
  t.deepEqual(Object.keys(regimesIn('2002')).sort(), ['bear', 'crisis']);
});

test('2008 leaves the bull market in January and is a bear market or a crisis from then on', (t) => {
  t.deepEqual(Object.keys(regimesIn('2008-01')), ['bull', 'bear']);
  const rest = regimes.filter(({ asOf }) => asOf >= '2008-02' && asOf < '2009');
  t.is(rest.length, 232);
  t.true(rest.every(({ regime }) => regime === 'bear' || regime === 'crisis'));
});

test('2017 is a bull market on every day', (t) => {
  t.deepEqual(regimesIn('2017'), { bull: 251 });
});

test('2003 to 2007 and 2013 to 2017 are mostly bull markets', (t) => {
  t.true(bullShare('2003', '2008') > 0.6);
  t.true(bullShare('2013', '2018') > 0.8);
});

test('the regime changes between 20 and 40 times in 20 years, two a year at most on average', (t) => {
  const changes = regimeChanges().length;
  t.true(changes >= 20 && changes <= 40, `${changes} changes`);
});

test('a regime is confirmed by 21 bars, a crisis by 3, so neither flaps', (t) => {
  for (const { regime, bars } of regimeChanges()) t.true(bars >= (regime === 'crisis' ? 3 : 21));
});

test('the detector claims no regime while it warms up, and its first regime comes within a year', (t) => {
  const warming = regimes.filter(({ regime }) => regime === 'warming-up');
  t.true(warming.length >= 200 && warming.length < 252);
  for (const regime of warming) t.like(regime, { confidence: 0, since: '2000-01-03' });
});

test('a violent fall is a crisis, a violent rise is not', (t) => {
  const calm = Array.from({ length: 260 }, (_, day) => 1000 + (day % 2));
  const after = (move: number) =>
    calm.concat(Array.from({ length: 21 }, (_, day) => 1000 * move ** (day + 1)));
  const [fall, rise] = [0.96, 1.04].map((move) => detect(synthetic(after(move))).at(-1));
  t.is(fall?.regime, 'crisis');
  t.is(rise?.regime, 'bull');
  t.true((rise?.volatility ?? 0) > 0.35, 'although it is as volatile');
});

test('daily moves of 1 % are an annual volatility of 1 % times the square root of 252', (t) => {
  const volatility = new EwmaVolatility();
  let annualised = 0;
  for (let day = 0; day < 300; day++) annualised = volatility.next(100 * Math.exp(0.01 * (day % 2)));
  t.true(Math.abs(annualised - 0.01 * Math.sqrt(252)) < 1e-9);
});

test('nothing looks ahead: a crash after a bar, or the end of the data, changes nothing up to that bar', (t) => {
  for (const cut of [1, 199, 1000, 2190, bars.length - 1]) {
    const past = bars.slice(0, cut);
    const crash = bars.slice(cut).map((bar) => ({ ...bar, close: bar.close / 10, low: bar.low / 10 }));
    for (const history of [past, [...past, ...crash]]) {
      t.deepEqual(detect(history).slice(0, cut), regimes.slice(0, cut));
      for (const [index, book] of runStrategies(history).entries()) {
        t.deepEqual(book.slice(0, cut), books[index]?.slice(0, cut));
      }
    }
  }
});

test('every bar, regime and status is valid and survives JSON unchanged', (t) => {
  t.is(books.flat().length, 3 * bars.length);
  const valid =
    bars.every((bar) => LastBar.safeParse(bar).success) &&
    regimes.every((regime) => MarketRegime.safeParse(regime).success) &&
    books.flat().every((status) => StrategyStatus.safeParse(status).success);
  t.true(valid);
  t.deepEqual(JSON.parse(JSON.stringify([regimes, books])), [regimes, books]);
});

for (const [index, { name }] of createStrategies().entries()) {
  const book = books[index] ?? [];

  test(`${name}: the equity is the starting equity plus the P&L`, (t) => {
    t.true(book.every(({ equity, pnl }) => equity === START_EQUITY + pnl));
    t.not(book.at(-1)?.pnl, 0);
  });

  test(`${name}: a bar earns the gain of the previous bar's position, less the cost of trading`, (t) => {
    for (const [status, before, bar, barBefore] of steps(book)) {
      const earned = before.position * (bar.close - barBefore.close);
      const cost = COST * Math.abs(status.position - before.position) * bar.close;
      if (Math.abs(status.pnl - before.pnl - (earned - cost)) > 1e-6)
        t.fail(`accounts differ on ${bar.date}`);
    }
    t.pass();
  });

  test(`${name}: the exposure is the position's share of equity, and stays within its limit`, (t) => {
    for (const [status, , bar] of steps(book)) {
      const exposure = (status.position * bar.close) / status.equity;
      if (Math.abs(status.exposure - exposure) > 1e-9) t.fail(`exposure differs on ${bar.date}`);
    }
    t.true(
      Math.max(...book.map(({ exposure }) => Math.abs(exposure))) <= MAX_EXPOSURE + NO_TRADE_BAND + 0.001,
    );
  });
}

test('a strategy that is flat or warming up holds and earns nothing', (t) => {
  const idle = books.flatMap(steps).filter(([, before]) => before.position === 0);
  t.true(idle.length > 4000);
  for (const [status, before] of idle) {
    t.true(before.state === 'flat' || before.state === 'warming-up');
    if (status.position === 0) t.is(status.pnl, before.pnl);
  }
});

test('momentum is short through October 2008 and long through 2017', (t) => {
  t.deepEqual(statesIn('momentum', '2008-10'), { short: 23 });
  t.deepEqual(statesIn('momentum', '2017'), { long: 251 });
});

test('mean reversion buys a fall above the 200-day average and sells above the 5-day average', (t) => {
  const trades = steps(bookOf('mean_reversion')).filter(
    ([status, before]) => status.position !== before.position,
  );
  t.true(trades.length > 50);
  for (const [status, , bar, barBefore] of trades) {
    if (status.state === 'long') t.true(bar.close < barBefore.close && bar.close > average(bar, 200));
    else t.true(bar.close > average(bar, 5));
  }
});

test('the volatility target reaches about 10 % volatility a year, by holding less in October 2008', (t) => {
  const book = bookOf('volatility_target');
  const returns = steps(book).map(([status, before]) => Math.log(status.equity / before.equity));
  const variance = returns.reduce((sum, r) => sum + r * r, 0) / returns.length;
  const volatility = Math.sqrt(252 * variance);
  t.true(volatility > 0.09 && volatility < 0.12, `${volatility}`);
  const exposures = (period: string) => book.filter(isIn(period)).map(({ exposure }) => exposure);
  t.true(Math.max(...exposures('2008-10')) < 0.25);
  t.true(Math.min(...exposures('2017')) > 0.7);
});

function detect(history: Bar[]): MarketRegime[] {
  const detector = new RegimeDetector();
  return history.map((bar) => detector.next(bar));
}

function runStrategies(history: Bar[]): StrategyStatus[][] {
  return createStrategies().map((strategy) => history.map((bar) => strategy.next(bar)));
}

function bookOf(name: Strategy['name']): StrategyStatus[] {
  return books.find((book) => book[0]?.name === name) ?? [];
}

/** Each status except the first, with the status before it and the bars of both. */
function steps(book: StrategyStatus[]): [StrategyStatus, StrategyStatus, Bar, Bar][] {
  return book.slice(1).map((status, index) => {
    const [before, bar, barBefore] = [book[index], bars[index + 1], bars[index]];
    if (!before || !bar || !barBefore) throw new Error(`no step ${index}`);
    return [status, before, bar, barBefore];
  });
}

function isIn(period: string): (published: { asOf: string }) => boolean {
  return ({ asOf }) => asOf.startsWith(period);
}

function regimeOn(date: string): MarketRegime {
  const regime = regimes.find(isIn(date));
  if (!regime) throw new Error(`no bar on ${date}`);
  return regime;
}

function regimesIn(period: string): Record<string, number> {
  return count(regimes.filter(isIn(period)).map(({ regime }) => regime));
}

function statesIn(name: Strategy['name'], period: string): Record<string, number> {
  return count(
    bookOf(name)
      .filter(isIn(period))
      .map(({ state }) => state),
  );
}

function count(words: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

function bullShare(from: string, to: string): number {
  const period = regimes.filter(({ asOf }) => asOf >= from && asOf < to);
  return period.filter(({ regime }) => regime === 'bull').length / period.length;
}

/** Every change of regime, with the number of bars that the previous regime lasted. */
function regimeChanges(): { regime: string; bars: number }[] {
  const starts = regimes.flatMap(({ regime }, index) =>
    regime === regimes[index - 1]?.regime ? [] : [index],
  );
  return starts.slice(1).map((start, index) => ({
    regime: regimes[start]?.regime ?? '',
    bars: start - (starts[index] ?? 0),
  }));
}

function average(last: Bar, days: number): number {
  const end = bars.indexOf(last) + 1;
  return bars.slice(end - days, end).reduce((sum, { close }) => sum + close, 0) / days;
}

function synthetic(closes: number[]): Bar[] {
  return closes.map((close, day) => {
    const date = new Date(Date.UTC(2000, 0, 1 + day)).toISOString().slice(0, 10);
    return { date, open: close, high: close, low: close, close, volume: 1 };
  });
}

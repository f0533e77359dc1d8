/**
 * Code that must not compile. Each line under a `@ts-expect-error` is one such case. `npm run typecheck`
 * fails if such a line compiles, or if any other line does not. No function named `check…` ever runs.
 */
import { readFileSync } from 'node:fs';
import { type } from 'arktype';
import test from 'ava';
import * as v from 'valibot';
import { z } from 'zod';
import type {
  AnyReading,
  Follower,
  InputOf,
  KeyOf,
  Owner,
  PatternOf,
  Reading,
  Uncommitted,
  ValueOf,
} from '../../src/index.ts';
import { connect, defineSpace, json } from '../../src/index.ts';

const Regime = z.object({ regime: z.enum(['bull', 'bear']), confidence: z.number() });

const trading = defineSpace('trading', {
  market_regime: Regime,
  'strategy/*': v.object({ position: v.number() }),
  'strategy/main': type({ name: 'string' }),
  opened: z.iso.datetime().transform((text) => new Date(text)),
  tick: json<{ price: number }>(),
  anything: json(),
});
const open = defineSpace('open', { '*': json<number>() });

type D = typeof trading.definition;

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(isSame: Same<A, B>): boolean => isSame;

export function checkTypes(): void {
  same<KeyOf<D>, 'market_regime' | `strategy/${string}` | 'strategy/main' | 'opened' | 'tick' | 'anything'>(
    true,
  );
  same<PatternOf<D>, KeyOf<D> | 'strategy/*' | '*'>(true);
  same<InputOf<D, 'market_regime'>, { regime: 'bull' | 'bear'; confidence: number }>(true);
  same<InputOf<D, 'strategy/momentum'>, { position: number }>(true);
  same<InputOf<D, 'strategy/main'>, { name: string }>(true);
  same<ValueOf<D, 'strategy/main'>, { readonly name: string }>(true);
  same<ValueOf<D, 'tick'>, { readonly price: number }>(true);
  same<ValueOf<D, 'anything'>, unknown>(true);
  // The type that is set, and the type that is read.
  same<InputOf<D, 'opened'>, string>(true);
  same<ValueOf<D, 'opened'>, Date>(true);
  same<KeyOf<typeof open.definition>, string>(true);
  // @ts-expect-error `same` does not compile where types differ
  same<InputOf<D, 'opened'>, Date>(true);
}

export function checkOwner(owner: Owner<D>): void {
  owner.set('market_regime', { regime: 'bull', confidence: 0.92 });
  owner.set('strategy/momentum', { position: 1 });
  owner.set('strategy/main', { name: 'main' });
  owner.set('opened', '2026-11-22T10:00:00Z');
  owner.set('tick', { price: 1 });
  owner.set('anything', [1, 'two', null]);
  owner.set('market_regime', owner.get('market_regime').value!);
  owner.update('market_regime', (value) => ({ regime: 'bull', confidence: (value?.confidence ?? 0) + 1 }));
  owner.update('tick', (value) => value ?? { price: 1 });
  same<void, ReturnType<typeof owner.update>>(true);
  same<boolean, ReturnType<typeof owner.delete>>(true);
  owner.batch(() => 5).toFixed();
  void owner.stop().then(({ uncommitted }) => same<readonly Uncommitted[], typeof uncommitted>(true));

  // @ts-expect-error a key that the space does not define
  owner.set('market', { regime: 'bull', confidence: 0.92 });
  // @ts-expect-error a family without a name in it
  owner.set('strategy', { position: 1 });
  // @ts-expect-error a key of another case
  owner.set('Market_regime', { regime: 'bull', confidence: 0.92 });
  // @ts-expect-error a value of another schema
  owner.set('market_regime', { position: 1 });
  // @ts-expect-error a value that the schema does not list
  owner.set('market_regime', { regime: 'sideways', confidence: 0.92 });
  // @ts-expect-error a field of another type
  owner.set('market_regime', { regime: 'bull', confidence: '0.92' });
  // @ts-expect-error a field left out
  owner.set('market_regime', { regime: 'bull' });
  // @ts-expect-error a field that the schema does not know
  owner.set('market_regime', { regime: 'bull', confidence: 0.92, note: 'x' });
  // @ts-expect-error no value: delete is the way to remove one
  owner.set('market_regime', undefined);
  // @ts-expect-error a value of another type, in a family
  owner.set('strategy/momentum', { position: '1' });
  // @ts-expect-error the output type of the schema instead of its input type
  owner.set('opened', new Date());
  // @ts-expect-error a value of another type, with a schema that checks nothing
  owner.set('tick', { price: '1' });
  // @ts-expect-error a key that the space does not define
  owner.delete('market');
  // @ts-expect-error a key that the space does not define
  owner.get('market');
  // @ts-expect-error the value of a reading is read-only
  owner.get('market_regime').value = undefined;
  // @ts-expect-error a field that is computed is read-only
  owner.get('market_regime').freshness = 'live';
  // @ts-expect-error a value of another schema
  owner.update('market_regime', () => ({ position: 1 }));
  // @ts-expect-error no value: delete is the way to remove one
  owner.update('tick', () => undefined);
  // @ts-expect-error the value may be undefined
  owner.update('tick', ({ price }) => ({ price }));
  // @ts-expect-error no such event
  owner.on('anything', () => {});
}

export function checkFollower(follower: Follower<D>): void {
  same<
    Reading<'market_regime', { readonly regime: 'bull' | 'bear'; readonly confidence: number }>,
    ReturnType<typeof follower.get<'market_regime'>>
  >(true);
  const { value, freshness, source } = follower.get('market_regime');
  same<typeof value, { readonly regime: 'bull' | 'bear'; readonly confidence: number } | undefined>(true);
  same<typeof freshness, 'live' | 'stale'>(true);
  same<typeof source, 'redis' | 'direct' | 'memory'>(true);
  same<typeof follower.mode, 'recovering' | 'connected' | 'degraded' | 'stopped'>(true);
  follower.watch('market_regime', ({ value }) => value?.confidence);
  follower.watch('strategy/momentum', ({ value }) => value?.position);
  follower.watch('strategy/*', ({ key }) => key);
  follower.watch('*', ({ position }) => position);
  follower.on('mode', ({ mode, from, reason }) => [mode, from, reason]);
  follower.on('error', ({ error }) => error.code);
  follower.on('sync', ({ head, changed }) => [head, changed]);

  // @ts-expect-error the value may be undefined
  void follower.get('market_regime').value.regime;
  // @ts-expect-error a follower sets nothing
  follower.set('market_regime', { regime: 'bull', confidence: 0.92 });
  // @ts-expect-error a key that the space does not define
  follower.get('market');
  // @ts-expect-error a key that the space does not define
  follower.watch('market', () => {});
  // @ts-expect-error a family that the space does not define
  follower.watch('market/*', () => {});
  follower.watch(
    'market_regime',
    ({ value }) =>
      // @ts-expect-error a field that the schema does not know
      value?.position,
  );
  // @ts-expect-error a follower is never fenced
  follower.on('fenced', () => {});
  // @ts-expect-error a position is a string
  void follower.waitFor({ epoch: 1, revision: 2 });
}

export function checkReadingsOfSeveralKeys(
  follower: Follower<D>,
  owner: Owner<D>,
  prefix: string,
  key: 'market_regime' | 'tick',
): void {
  type Strategy = Reading<`strategy/${string}`, { readonly position: number }>;
  type Main = Reading<'strategy/main', { readonly name: string }>;
  same<AnyReading<D, 'strategy/'>, Strategy | Main>(true);
  follower.watch('strategy/*', (reading) => same<typeof reading, Strategy | Main>(true));
  follower.watch('strategy/eu/*', ({ key, value }) => [
    same<typeof key, `strategy/eu/${string}`>(true),
    same<typeof value, { readonly position: number } | undefined>(true),
  ]);
  for (const { key, value } of owner.entries('strategy/eu/')) {
    same<typeof key, `strategy/eu/${string}`>(true);
    same<typeof value, { readonly position: number } | undefined>(true);
  }
  for (const reading of follower.entries('strategy/')) same<typeof reading, Strategy | Main>(true);
  for (const { key } of follower.entries('mar')) same<typeof key, 'market_regime'>(true);
  for (const reading of follower.entries(prefix)) same<typeof reading, AnyReading<D>>(true);
  for (const reading of follower.entries()) {
    if (reading.key === 'market_regime')
      same<typeof reading.value, ValueOf<D, 'market_regime'> | undefined>(true);
    else if (reading.key === 'tick') reading.value?.price.toFixed();
    else if (reading.key === 'opened') reading.value?.getTime();
    else if (reading.key !== 'anything') same<typeof reading, Strategy | Main>(true);
  }
  const reading = follower.get(key);
  if (reading.key === 'tick') reading.value?.price.toFixed();
  else reading.value?.regime.padEnd(5);
  // @ts-expect-error the value of another key
  if (reading.key === 'tick') void reading.value?.regime;
  for (const { value } of owner.entries('strategy/eu/'))
    // @ts-expect-error a field that the family does not have
    void value?.name;
  // @ts-expect-error a prefix that no key may have
  follower.watch('other/eu/*', () => {});
}

export function checkReadOnly(
  follower: Follower<typeof listed.definition>,
  owner: Owner<typeof listed.definition>,
): void {
  const { value } = follower.get('list');
  if (value === undefined) return;
  same<
    typeof value,
    { readonly legs: readonly { readonly price: number }[]; readonly at: Date; readonly any: any }
  >(true);
  value.at.setTime(0);
  value.any.field = 5;
  // What was read can be set again.
  owner.set('list', value);
  owner.set('list', { ...value, legs: [...value.legs, { price: 5 }] });
  // @ts-expect-error the list of a value is read-only
  value.legs.push({ price: 1 });
  // @ts-expect-error a field deep in a value is read-only
  value.legs[0]!.price = 1;
  // @ts-expect-error a field of a value is read-only
  value.legs = [];
  const pair = follower.get('pair').value;
  same<typeof pair, readonly [string, { readonly size: number }] | undefined>(true);
  const id = follower.get('id').value;
  same<typeof id, (string & z.core.$brand<'Id'>) | undefined>(true);
  const child = follower.get('tree').value?.children[0]?.children[0]?.name;
  same<typeof child, string | undefined>(true);
}

interface Tree {
  name: string;
  children: Tree[];
}

const listed = defineSpace('listed', {
  list: json<{ legs: { price: number }[]; at: Date; any: any }>(),
  pair: json<[string, { size: number }]>(),
  id: z.string().brand<'Id'>(),
  tree: json<Tree>(),
});

export async function checkWaiting(
  follower: Follower<D>,
  owner: Owner<D>,
  signal: AbortSignal,
): Promise<void> {
  follower.watch('tick', ({ value }) => value?.price, { initial: true, signal });
  owner.watch('strategy/eu/*', ({ value }) => value?.position, { initial: true });
  const reading = await follower.waitUntil('tick', ({ value }) => value?.price === 1, {
    timeoutMs: 5,
    signal,
  });
  same<typeof reading, Reading<'tick', { readonly price: number }>>(true);
  for await (const { key, value } of owner.changes('strategy/eu/*', { signal })) {
    same<typeof key, `strategy/eu/${string}`>(true);
    same<typeof value, { readonly position: number } | undefined>(true);
  }
  await follower.ready({ owner: true, timeoutMs: 5 });
  await using tandem = connect({ redis: 'redis://127.0.0.1' });
  await using other = tandem.follow(open);
  same<typeof other, Follower<typeof open.definition>>(true);
  // @ts-expect-error a predicate gives a boolean
  void follower.waitUntil('tick', () => 'yes');
  // @ts-expect-error no such option
  follower.watch('tick', () => {}, { timeoutMs: 5 });
  // @ts-expect-error a pattern that the space does not define
  follower.changes('other/*');
}

const at = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});
const Branch = z.object({
  at: at.optional(),
  get branches() {
    return z.array(Branch);
  },
});
const coded = defineSpace('coded', {
  at,
  'legs/*': z.object({ legs: z.array(z.object({ at: at.nullable(), price: z.number() })) }),
  either: z.union([z.object({ at }), z.string()]),
  tree: Branch,
  // One that goes one way cannot encode.
  both: z.object({ at, count: z.string().transform(Number) }),
});

export function checkCodecs(owner: Owner<typeof coded.definition>, date: Date): void {
  owner.set('at', date);
  owner.set('legs/a', {
    legs: [
      { at: date, price: 1 },
      { at: null, price: 2 },
    ],
  });
  owner.set('either', { at: date });
  owner.set('either', 'text');
  owner.set('tree', { branches: [{ at: date, branches: [] }] });
  owner.set('both', { at: '2026-11-22T10:00:00Z', count: '5' });
  owner.update('at', (value) => value ?? date);
  // @ts-expect-error what the codec decodes, in place of what it encodes
  owner.set('at', '2026-11-22T10:00:00Z');
  // @ts-expect-error the same, deep inside
  owner.set('legs/a', { legs: [{ at: '2026-11-22T10:00:00Z', price: 1 }] });
  // @ts-expect-error a schema that goes one way takes what is decoded
  owner.set('both', { at: date, count: 5 });
  const value = owner.get('legs/a').value;
  same<
    typeof value,
    { readonly legs: readonly { readonly at: Date | null; readonly price: number }[] } | undefined
  >(true);
}

export function checkTheRest(): void {
  const tandem = connect({ redis: 'redis://127.0.0.1' });
  same<Owner<D>, ReturnType<typeof tandem.own<D>>>(true);
  tandem.own(open).set('whatever', 5);
  // @ts-expect-error the value must be a number
  tandem.own(open).set('whatever', 'five');
  // @ts-expect-error `start` has no such option
  tandem.own(trading, { start: 'over' });
  // @ts-expect-error a space, not its name
  tandem.follow('trading');
  // @ts-expect-error the address of Redis is missing
  connect({ name: 'trading-1' });
  // @ts-expect-error the definition must be a schema
  defineSpace('wrong', { key: 'string' });
}

export function checkNestedFamilies(): void {
  const nested = defineSpace('nested', {
    '*': json<boolean>(),
    'a/*': json<number>(),
    'a/b/*': json<string>(),
  });
  same<InputOf<typeof nested.definition, 'else'>, boolean>(true);
  same<InputOf<typeof nested.definition, 'a/b/c'>, string>(true);
  same<InputOf<typeof nested.definition, 'a/c'>, number>(true);
}

test('the wrong uses in this file do not compile (checked by `npm run typecheck`)', (t) => {
  const text = readFileSync(import.meta.filename, 'utf8');
  t.true(text.split('// @ts-expect-error').length > 30);
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const { include } = JSON.parse(readFileSync(new URL('../../tsconfig.json', import.meta.url), 'utf8'));
  t.is(scripts.typecheck, 'tsc --noEmit');
  t.true(include.includes('test'), 'and this file is among those it checks');
});

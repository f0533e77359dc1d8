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
  same<ValueOf<D, 'strategy/main'>, { name: string }>(true);
  same<ValueOf<D, 'tick'>, { price: number }>(true);
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
  // @ts-expect-error an owner is not watched
  owner.watch('market_regime', () => {});
  // @ts-expect-error no such event
  owner.on('anything', () => {});
}

export function checkFollower(follower: Follower<D>): void {
  same<
    Reading<'market_regime', { regime: 'bull' | 'bear'; confidence: number }>,
    ReturnType<typeof follower.get<'market_regime'>>
  >(true);
  const { value, freshness, source } = follower.get('market_regime');
  same<typeof value, { regime: 'bull' | 'bear'; confidence: number } | undefined>(true);
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

/**
 * What must not compile. Each line under a `@ts-expect-error` is one; `npm run typecheck` fails where it compiles
 * after all, and where a line that must compile does not. Nothing in `check…` is ever run.
 */
import { readFileSync } from 'node:fs';
import { type } from 'arktype';
import test from 'ava';
import * as v from 'valibot';
import { z } from 'zod';
import type { Follower, InputOf, KeyOf, Owner, PatternOf, Reading, ValueOf } from '../../src/index.ts';
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

/** Compiles only where both types are the same. */
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
  // What is set, and what is read of it.
  same<InputOf<D, 'opened'>, string>(true);
  same<ValueOf<D, 'opened'>, Date>(true);
  same<KeyOf<typeof open.definition>, string>(true);
  // @ts-expect-error so does `same` fail to compile where types differ
  same<InputOf<D, 'opened'>, Date>(true);
}

export function checkOwner(participant: Owner<D>): void {
  participant.set('market_regime', { regime: 'bull', confidence: 0.92 });
  participant.set('strategy/momentum', { position: 1 });
  participant.set('strategy/main', { name: 'main' });
  participant.set('opened', '2026-11-22T10:00:00Z');
  participant.set('tick', { price: 1 });
  participant.set('anything', [1, 'two', null]);
  same<boolean, ReturnType<typeof participant.delete>>(true);
  participant.batch(() => 5).toFixed();

  // @ts-expect-error a key that the space does not define
  participant.set('market', { regime: 'bull', confidence: 0.92 });
  // @ts-expect-error a family without a name in it
  participant.set('strategy', { position: 1 });
  // @ts-expect-error a key of another case
  participant.set('Market_regime', { regime: 'bull', confidence: 0.92 });
  // @ts-expect-error a value of another schema
  participant.set('market_regime', { position: 1 });
  // @ts-expect-error a value that the schema does not list
  participant.set('market_regime', { regime: 'sideways', confidence: 0.92 });
  // @ts-expect-error a field of another type
  participant.set('market_regime', { regime: 'bull', confidence: '0.92' });
  // @ts-expect-error a field left out
  participant.set('market_regime', { regime: 'bull' });
  // @ts-expect-error a field that the schema does not know
  participant.set('market_regime', { regime: 'bull', confidence: 0.92, note: 'x' });
  // @ts-expect-error no value: that is what delete is for
  participant.set('market_regime', undefined);
  // @ts-expect-error a value of another type, in a family
  participant.set('strategy/momentum', { position: '1' });
  // @ts-expect-error what the schema makes of it, and not what it takes
  participant.set('opened', new Date());
  // @ts-expect-error a value of another type, with a schema that checks nothing
  participant.set('tick', { price: '1' });
  // @ts-expect-error a key that the space does not define
  participant.delete('market');
  // @ts-expect-error a key that the space does not define
  participant.get('market');
  // @ts-expect-error the value of a reading is not for changing its participant
  participant.get('market_regime').value = undefined;
  // @ts-expect-error an owner is not watched
  participant.watch('market_regime', () => {});
  // @ts-expect-error no such event
  participant.on('anything', () => {});
}

export function checkFollower(participant: Follower<D>): void {
  same<
    Reading<'market_regime', { regime: 'bull' | 'bear'; confidence: number }>,
    ReturnType<typeof participant.get<'market_regime'>>
  >(true);
  const { value, freshness, source } = participant.get('market_regime');
  same<typeof value, { regime: 'bull' | 'bear'; confidence: number } | undefined>(true);
  same<typeof freshness, 'live' | 'stale'>(true);
  same<typeof source, 'redis' | 'direct' | 'memory'>(true);
  same<typeof participant.mode, 'recovering' | 'connected' | 'degraded' | 'stopped'>(true);
  participant.watch('market_regime', ({ value }) => value?.confidence);
  participant.watch('strategy/momentum', ({ value }) => value?.position);
  participant.watch('strategy/*', ({ key }) => key);
  participant.watch('*', ({ position }) => position);
  participant.on('mode', ({ mode, from, reason }) => [mode, from, reason]);
  participant.on('error', ({ error }) => error.code);
  participant.on('sync', ({ head, changed }) => [head, changed]);

  // @ts-expect-error a value may not be there
  void participant.get('market_regime').value.regime;
  // @ts-expect-error a follower sets nothing
  participant.set('market_regime', { regime: 'bull', confidence: 0.92 });
  // @ts-expect-error a key that the space does not define
  participant.get('market');
  // @ts-expect-error a key that the space does not define
  participant.watch('market', () => {});
  // @ts-expect-error a family that the space does not define
  participant.watch('market/*', () => {});
  participant.watch(
    'market_regime',
    ({ value }) =>
      // @ts-expect-error a field that the schema does not know
      value?.position,
  );
  // @ts-expect-error a follower is never fenced
  participant.on('fenced', () => {});
  // @ts-expect-error a position is text
  void participant.waitFor({ epoch: 1, revision: 2 });
}

export function checkTheRest(): void {
  const tandem = connect({ redis: 'redis://127.0.0.1' });
  same<Owner<D>, ReturnType<typeof tandem.own<D>>>(true);
  tandem.own(open).set('whatever', 5);
  // @ts-expect-error a number is asked for
  tandem.own(open).set('whatever', 'five');
  // @ts-expect-error there is no such start
  tandem.own(trading, { start: 'over' });
  // @ts-expect-error a space, not its name
  tandem.follow('trading');
  // @ts-expect-error nothing says where Redis is
  connect({ name: 'trading-1' });
  // @ts-expect-error a schema is asked for
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

test('what must not compile is listed here, and checked by `npm run typecheck`', (t) => {
  const text = readFileSync(import.meta.filename, 'utf8');
  t.true(text.split('// @ts-expect-error').length > 30);
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const { include } = JSON.parse(readFileSync(new URL('../../tsconfig.json', import.meta.url), 'utf8'));
  t.is(scripts.typecheck, 'tsc --noEmit');
  t.true(include.includes('test'), 'and this file is among what it checks');
});

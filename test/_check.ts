/**
 * Runs a fast-check property and logs its seed. To repeat a run: `SEED=… npx ava test/….test.ts`. To run more
 * cases than usual: `RUNS=10000`.
 */
import assert from 'node:assert/strict';
import type { ExecutionContext } from 'ava';
import * as fc from 'fast-check';
import type { ErrorCode } from '../src/base/errors.ts';
import { TandemError } from '../src/base/errors.ts';

/**
 * Properties assert with `node:assert`, not with `t`: AVA remembers each failed `t` assertion, so failures
 * during shrinking would fail the test for good.
 */
export async function check<T>(
  t: ExecutionContext,
  property: fc.IProperty<T> | fc.IAsyncProperty<T>,
  parameters: fc.Parameters<T> = {},
): Promise<void> {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  t.log(`SEED=${seed}`);
  const runs = process.env.RUNS === undefined ? {} : { numRuns: Number(process.env.RUNS) };
  const all = { ...parameters, ...runs, seed, includeErrorInReport: true };
  await fc.assert(property as fc.IAsyncProperty<T>, all);
  t.pass();
}

/** Fails unless `run` throws a TandemError with one of these codes. Returns the error. */
export function assertThrows(run: () => unknown, ...codes: ErrorCode[]): TandemError {
  try {
    run();
  } catch (error) {
    if (!(error instanceof TandemError)) throw error;
    assert.ok(
      codes.includes(error.code),
      `expected ${codes.join(' or ')}, got ${error.code}: ${error.message}`,
    );
    return error;
  }
  return assert.fail(`expected ${codes.join(' or ')} to be thrown`);
}

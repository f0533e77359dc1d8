/**
 * Checks of options. Each error names the option, what was expected and what kind of thing came. It shows no
 * value that may be a secret: whoever forgets the braces gives a URL or a token in place of the options.
 */
import { show, TandemError } from './errors.ts';
import { kindOf } from './kind.ts';

/**
 * Returns `value` if it is a number from `min` to `max`, both included.
 * @throws TandemError `INVALID_OPTION`
 */
export function between(name: string, value: number, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw new TandemError(
    'INVALID_OPTION',
    `${name}: expected a number from ${min} to ${max}, got ${typeof value === 'number' ? value : kindOf(value)}`,
  );
}

/**
 * Returns `value` if it is one of those allowed.
 * @throws TandemError `INVALID_OPTION`
 */
export function requireOneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw new TandemError(
    'INVALID_OPTION',
    `${name}: expected ${allowed.map((one) => `'${one}'`).join(' or ')}, got ${show(value)}`,
  );
}

/** @throws TandemError `INVALID_OPTION` */
export function requireObject(name: string, value: unknown): void {
  if (typeof value === 'object' && value !== null) return;
  throw new TandemError('INVALID_OPTION', `${name}: expected an object, got ${kindOf(value)}`);
}

/** @throws TandemError `INVALID_OPTION` */
export function requireFunction(name: string, value: unknown): void {
  if (typeof value === 'function') return;
  throw new TandemError('INVALID_OPTION', `${name}: expected a function, got ${kindOf(value)}`);
}

/** @throws TandemError `INVALID_OPTION` for anything but an `AbortSignal` or `undefined` */
export function requireSignal(value: AbortSignal | undefined): void {
  if (value === undefined) return;
  if (typeof value === 'object' && value !== null && typeof value.addEventListener === 'function') return;
  throw new TandemError('INVALID_OPTION', `signal: expected an AbortSignal, got ${kindOf(value)}`);
}

/** @throws TandemError `INVALID_OPTION` */
export function requireBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new TandemError('INVALID_OPTION', `${name}: expected true or false, got ${kindOf(value)}`);
}

/**
 * The answer of `GET /fleet`: all processes, who is not well first. It is the one answer that asks Redis, at most
 * once a second for all clients together. Where Redis does not answer, the problem says what this process knows of
 * itself; with `?partial` that is the answer.
 */
import type { Context } from 'koa';
import { TandemError } from '../base/errors.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { firstOf, partOf } from '../fleet/part.ts';
import { spacePattern } from '../state/space-name.ts';
import type { Tandem } from '../tandem.ts';
import type { Access } from './access.ts';
import { Problem } from './problem.ts';
import { hasFlag, readLimit, readSpaces } from './query.ts';
import { requireRunning } from './state.ts';

/** So old may be what is answered, ms. */
const KEPT_MS = 1_000;

export class FleetAnswer {
  readonly #tandem: Tandem;
  readonly #access: Access;
  #fleet: Promise<Fleet> | undefined;
  #askedAt = -Infinity;

  constructor(tandem: Tandem, access: Access) {
    this.#tandem = tandem;
    this.#access = access;
  }

  /** @throws Problem `INVALID_PARAMETER`, or the code of what Redis answered, with `self` */
  async answer(ctx: Context): Promise<void> {
    const tandem = this.#tandem;
    const [limit, spaces, isPartial] = [readLimit(ctx), readSpaces(ctx), hasFlag(ctx, 'partial')];
    requireRunning(tandem);
    const pattern = spacePattern(spaces);
    const part = async (fleet: Fleet): Promise<Fleet> => {
      const named = partOf(fleet, ({ space }) => pattern.test(space));
      const names = new Set(named.members.map(({ space }) => space));
      const allowed = new Set(await this.#access.allowed(ctx, [...names]));
      return partOf(named, ({ space }) => allowed.has(space));
    };
    const { name, registration } = tandem;
    ctx.set('Cache-Control', 'no-store');
    try {
      const { at, isWell, counts, leftOut, ...rest } = await part(await this.#ask());
      const { shown, others } = firstOf(rest, limit);
      ctx.body = { name, registration, at, isWell, counts, leftOut, members: shown, others };
    } catch (error) {
      if (!(error instanceof TandemError)) throw error;
      const { at, counts, leftOut, ...rest } = await part(tandem.ownFleet);
      const { shown, others } = firstOf(rest, limit);
      if (!isPartial) throw new Problem(error.code, error.message, { self: shown });
      const problem = { code: error.code, detail: error.message };
      const known = { name, registration, at, isWell: false, counts, leftOut, members: shown, others };
      ctx.body = { ...known, problem };
    }
  }

  /** Those who ask at a time share an answer. */
  #ask(): Promise<Fleet> {
    const now = this.#tandem.time.now();
    if (this.#fleet !== undefined && now - this.#askedAt < KEPT_MS) return this.#fleet;
    const asked = this.#tandem.fleet();
    this.#fleet = asked;
    this.#askedAt = now;
    asked.catch(() => {
      if (this.#fleet === asked) this.#fleet = undefined;
    });
    return asked;
  }
}

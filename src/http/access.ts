/**
 * Who may read a space over HTTP. The application decides, at each request, before anything is read. A refusal
 * is the same for a space that exists and for one that does not.
 */
import type { Context } from 'koa';
import { requireFunction } from '../base/options.ts';
import { Problem } from './problem.ts';

/** Says whether a request may read a space. Only `true` allows it. What it throws is the application's error. */
export type Authorize = (ctx: Context, asked: { readonly space: string }) => boolean | Promise<boolean>;

/** The body of an answer that may list spaces. */
interface Listing {
  readonly spaces?: readonly { readonly space: string }[];
  readonly discoveries?: unknown;
}

export class Access {
  readonly #authorize: Authorize | undefined;

  /** @throws TandemError `INVALID_OPTION` */
  constructor(authorize: Authorize | undefined) {
    if (authorize !== undefined) requireFunction('authorize', authorize);
    this.#authorize = authorize;
  }

  /** Whether requests are refused at all. */
  get isGuarded(): boolean {
    return this.#authorize !== undefined;
  }

  /** @throws Problem `UNAUTHORIZED` or `FORBIDDEN` */
  async require(ctx: Context, space = ''): Promise<void> {
    if (!(await this.#allows(ctx, space))) throw refusalOf(ctx);
  }

  /** @throws Problem `UNAUTHORIZED` or `FORBIDDEN` unless the request may read all of these spaces */
  async requireAll(ctx: Context, spaces: readonly string[]): Promise<void> {
    if (this.isGuarded) for (const space of spaces) await this.require(ctx, space);
  }

  /** Those of the spaces that the request may read. */
  async allowed(ctx: Context, spaces: readonly string[]): Promise<readonly string[]> {
    if (this.#authorize === undefined) return spaces;
    const allowed: string[] = [];
    for (const space of spaces) if (await this.#allows(ctx, space)) allowed.push(space);
    return allowed;
  }

  /** Takes out of the body of an answer the spaces that the request may not read, and what looks for spaces. */
  async hideSpaces(ctx: Context): Promise<void> {
    const { spaces, discoveries: _, ...body } = ctx.body as Listing;
    if (!this.isGuarded || spaces === undefined) return;
    const names = spaces.map(({ space }) => space);
    const allowed = await this.allowed(ctx, names);
    ctx.body = { ...body, spaces: spaces.filter(({ space }) => allowed.includes(space)) };
  }

  async #allows(ctx: Context, space: string): Promise<boolean> {
    if (this.#authorize === undefined) return true;
    // What is merely truthy allows nothing.
    return Object.is(await this.#authorize(ctx, { space }), true);
  }
}

/** A request without any credentials may come again with some; with others it would not have been refused. */
function refusalOf(ctx: Context): Problem {
  const has = ctx.get('Authorization') !== '' || ctx.get('Cookie') !== '';
  return has
    ? new Problem('FORBIDDEN', 'these credentials do not allow this')
    : new Problem('UNAUTHORIZED', 'credentials are missing');
}

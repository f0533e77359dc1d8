/**
 * The direct path: the address at which the trading process answers its followers, and the token that they
 * send.
 */
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import Koa from 'koa';
import type { Tandem } from '../../src/index.ts';
import { directRouter } from '../../src/koa.ts';
import { giveUp } from './lifecycle.ts';
import { findFree } from './port.ts';

export interface Direct {
  /** On 127.0.0.1. */
  readonly url: string;
  readonly token: string;
}

export const DIRECT_HELP = `DIRECT_URL   the trading process's own address for outages of Redis, such as http://127.0.0.1:7070; none by default
  DIRECT_TOKEN the token for that address`;

/** A free address, and a new random token. */
export async function newDirect(): Promise<Direct> {
  return { url: `http://127.0.0.1:${await findFree()}`, token: randomBytes(18).toString('base64url') };
}

/** The direct path as environment variables; none without a direct path. */
export function directEnv(direct: Direct | undefined): Record<string, string> {
  return direct === undefined ? {} : { DIRECT_URL: direct.url, DIRECT_TOKEN: direct.token };
}

/** Reads the direct path from the environment of this process. */
export function readDirect(): Direct | undefined {
  const { DIRECT_URL: url, DIRECT_TOKEN: token } = process.env;
  if (!url) return undefined;
  if (!URL.canParse(url) || new URL(url).protocol !== 'http:')
    return giveUp(`DIRECT_URL: expected an address such as http://127.0.0.1:7070, got "${url}"`, 2);
  return token ? { url, token } : giveUp('DIRECT_TOKEN: expected a token, got none', 2);
}

export function serveDirect(tandem: Tandem, { url, token }: Direct): Server {
  const { hostname, port } = new URL(url);
  const server = new Koa().use(directRouter(tandem, { token }).routes()).listen(Number(port), hostname);
  return server.on('error', (error) => giveUp(`cannot listen at ${url}: ${error.message}`));
}

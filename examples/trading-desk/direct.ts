/** Owns the way past Redis: where the trading process answers its followers itself, and what they have to show. */
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

export const DIRECT_HELP = `DIRECT_URL   the trading process's own address, such as http://127.0.0.1:7070, for when Redis is out; none by default
  DIRECT_TOKEN what is to be shown there`;

/** A free address, and a token that nobody knows. */
export async function newDirect(): Promise<Direct> {
  return { url: `http://127.0.0.1:${await findFree()}`, token: randomBytes(18).toString('base64url') };
}

/** As processes are told of it; nothing where there is no such way. */
export function directEnv(direct: Direct | undefined): Record<string, string> {
  return direct === undefined ? {} : { DIRECT_URL: direct.url, DIRECT_TOKEN: direct.token };
}

/** What this process was told. */
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

/**
 * The URL of a Redis as options of ioredis. Pure. No error shows any part of the URL.
 *
 *   redis://user:password@host:port/db    rediss:// for TLS; user, password, port and database may be missing
 *   /path/of/a.sock, unix:///path/of/a.sock
 *
 * and behind any of them `?db=`, `family=`, `connectTimeout=` or `connectionName=`. ioredis would take every
 * option of its own there, also `keyPrefix`, and it reads what it cannot parse as another address.
 */
import type { RedisOptions } from 'ioredis';
import { TandemError } from '../base/errors.ts';

const HOST = /^(?:[\w.-]{1,255}|\[[\da-f:.]+\])$/i;
const NUMBER = /^\d{1,9}$/;
const DATABASE = /^(?:|\/|\/\d{1,9})$/;
const EXPECTED = 'expected a URL such as "redis://user:password@127.0.0.1:6379/0"';
const OPTIONS = ['db', 'family', 'connectTimeout', 'connectionName'];

/** @throws TandemError `INVALID_OPTION` */
export function optionsOfUrl(text: string): RedisOptions {
  if (text === '') throw refused(`${EXPECTED}, got an empty string`);
  const path = text.startsWith('unix://') ? text.slice('unix://'.length) : text;
  if (path.startsWith('/') && !path.startsWith('//')) return ofSocket(path);
  if (path !== text)
    throw refused('a unix:// URL names a path and no user: pass { path, username, password } instead');
  if (!/^rediss?:\/\//i.test(text)) throw refused(`${EXPECTED}, got a string that is none`);
  requireEscaped(text);
  return ofServer(parse(text));
}

function ofSocket(text: string): RedisOptions {
  const [path = '', query = '', ...more] = text.split('?');
  if (more.length > 0 || !/^(?:\/[\w.-]+)+$/.test(path))
    throw refused(
      'the path of a socket may hold letters, digits, ".", "_", "-" and "/": pass { path } for another',
    );
  return { path, ...ofQuery(new URLSearchParams(query)) };
}

/** Unescaped, these end the password early, and what is behind them is read as host, port, path or query. */
function requireEscaped(text: string): void {
  const [authority = ''] = text.slice(text.indexOf('//') + 2).split(/[/?#]/);
  const ats = text.split('@').length - 1;
  if (ats > 1 || (ats === 1 && !authority.includes('@')) || text.includes('#'))
    throw refused('a user or password may hold "@", "/", "?" and "#" only as %40, %2F, %3F and %23');
}

function parse(text: string): URL {
  // The error of the parser has the whole text in it.
  const url = URL.parse(text);
  if (url === null)
    throw refused(`${EXPECTED}, got a URL that cannot be parsed, or whose port is no number from 1 to 65535`);
  return url;
}

function ofServer(url: URL): RedisOptions {
  const { hostname, port, pathname, searchParams, username, password, protocol } = url;
  if (hostname === '') throw refused(`${EXPECTED}, got a URL without a host`);
  if (!HOST.test(hostname)) throw refused(`${EXPECTED}, got a URL whose host is no name and no address`);
  if (port !== '' && Number(port) === 0) throw refused(`${EXPECTED}, got a URL whose port is 0`);
  if (!DATABASE.test(pathname)) throw refused(`${EXPECTED}, got a URL whose path is no number of a database`);
  const hasUser = username !== '' || password !== '';
  return {
    ...ofQuery(searchParams),
    host: hostname.replace(/^\[|\]$/g, ''),
    ...(port !== '' && { port: Number(port) }),
    ...(pathname.length > 1 && { db: Number(pathname.slice(1)) }),
    ...(hasUser && { username: decoded(username), password: decoded(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused('a "%" in a user or password has to be written as %25');
  }
}

function ofQuery(query: URLSearchParams): RedisOptions {
  if (query.has('keyPrefix')) throw noKeyPrefix();
  const options: Record<string, string | number> = {};
  for (const [name, value] of query) {
    if (!OPTIONS.includes(name))
      throw refused(`a URL takes these options and no others: ${OPTIONS.join(', ')}`);
    if (name === 'connectionName') options[name] = value;
    else if (NUMBER.test(value)) options[name] = Number(value);
    else throw refused(`${name} in the URL: expected a number`);
  }
  return options;
}

export function refused(why: string): TandemError {
  return new TandemError('INVALID_OPTION', `redis: ${why}`);
}

export function noKeyPrefix(): TandemError {
  return refused(
    'keyPrefix is not supported, since ioredis adds it to no channel: use connect({ prefix }) instead',
  );
}

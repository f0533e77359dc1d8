/** Where a client connects to, for people: never a user, a password or any other part of its options. Pure. */
import type { ClusterNode, RedisOptions } from 'ioredis';
import { isIP } from '../base/node.ts';
import type { Client } from './target.ts';

const DEFAULT_HOST = 'localhost';
const DEFAULT_PORT = 6379;
/** Of a Cluster's or of Sentinel's addresses. */
const MOST_SHOWN = 3;

/** Such as `redis://10.0.0.7:6379/2`, a path, or `Cluster of 10.0.0.7:6379, 10.0.0.8:6379`. */
export function placeOf(client: Client): string {
  const { startupNodes } = client as { startupNodes?: unknown };
  if (Array.isArray(startupNodes))
    return `Cluster of ${listed((startupNodes as ClusterNode[]).map(nodeText))}`;
  const { path, host, port, db, tls, sentinels, name } = client.options as RedisOptions;
  const database = db ? `/${db}` : '';
  if (sentinels && sentinels.length > 0)
    return `${name ?? 'a master'}${database} by Sentinel ${listed(sentinels.map(nodeText))}`;
  if (path) return `${path}${database && ` database ${db}`}`;
  return `${tls ? 'rediss' : 'redis'}://${nodeText({ host, port })}${database}`;
}

function nodeText(node: ClusterNode): string {
  if (typeof node === 'number') return `${DEFAULT_HOST}:${node}`;
  // A URL may hold a password.
  if (typeof node === 'string') return URL.canParse(node) ? new URL(node).host : node.replace(/^.*@/, '');
  const { host = DEFAULT_HOST, port = DEFAULT_PORT } = node;
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

function listed(all: readonly string[]): string {
  const more = all.length - MOST_SHOWN;
  return `${all.slice(0, MOST_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

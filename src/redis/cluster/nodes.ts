/**
 * The nodes of a Cluster, as the client describes them that the user's function makes. That client opens no
 * connection: each node has clients of its own, one for calls and one for what is published.
 */
import type { RedisOptions } from 'ioredis';
import type { ClientMaker, Clients, ClusterPlan } from '../client.ts';
import type { Client } from '../target.ts';
import { optionsOfUrl } from '../url.ts';
import type { SlotMap } from './slot-map.ts';
import { readSlotMap } from './slot-map.ts';

/** Of a Cluster's options for its nodes: these would lead elsewhere. */
const ELSEWHERE = ['path', 'sentinels', 'name', 'db', 'keyPrefix', 'role'] as const;

export class ClusterNodes {
  readonly #maker: ClientMaker;
  #nat: ClusterPlan['natMap'];
  #startup: readonly string[] | undefined;

  constructor(maker: ClientMaker) {
    this.#maker = maker;
  }

  /**
   * The addresses to ask first.
   * @throws TandemError `INVALID_OPTION`, or `REDIS_UNAVAILABLE` where the user's function failed
   */
  get startup(): readonly string[] {
    this.#startup ??= [...this.#plan().startup.keys()];
    return this.#startup;
  }

  /** The clients of one node: the function is asked for each, since it may have another password by then. */
  clients(address: string): Clients {
    const maker = this.#maker;
    return {
      credentials: maker.credentials,
      make: (credentials) => maker.makeOf(this.#optionsOf(address), credentials),
      about: (client) => maker.about(client),
    };
  }

  /** The view of the node that a client is connected to. */
  async view(client: Client): Promise<SlotMap> {
    const { host = '' } = client.options as RedisOptions;
    const [slots, info] = await Promise.all([
      client.cluster('SLOTS'),
      client.cluster('INFO').catch(() => ''),
    ]);
    return readSlotMap(slots, info, host, (address) => this.#reached(address));
  }

  #plan(): { startup: ReadonlyMap<string, RedisOptions>; redisOptions: RedisOptions } {
    const { startup, redisOptions, natMap } = this.#maker.plan();
    this.#nat = natMap;
    const rest = Object.fromEntries(
      Object.entries(redisOptions).filter(([name]) => !(ELSEWHERE as readonly string[]).includes(name)),
    );
    return { startup: new Map(startup.map(optionsOf).map((one) => [printed(one), one])), redisOptions: rest };
  }

  #optionsOf(address: string): RedisOptions {
    const { startup, redisOptions } = this.#plan();
    const at = address.lastIndexOf(':');
    const place = { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
    return { ...redisOptions, ...startup.get(address), ...place };
  }

  #reached(address: string): string {
    const nat = this.#nat;
    const mapped = typeof nat === 'function' ? nat(address) : nat?.[address];
    return mapped ? printed(mapped) : address;
  }
}

/** A startup node: options, a URL, or a port, as ioredis takes them. */
function optionsOf(node: unknown): RedisOptions {
  if (typeof node === 'number') return { port: node };
  if (typeof node !== 'string') return node as RedisOptions;
  return /^rediss?:/.test(node) ? optionsOfUrl(node) : optionsOfUrl(`redis://${node}`);
}

function printed({
  host = '127.0.0.1',
  port = 6379,
}: {
  host?: string | undefined;
  port?: number | string | undefined;
}): string {
  return `${host}:${port}`;
}

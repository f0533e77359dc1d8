/** The world as its processes see it. `World` knows its processes; they know only this. */
import type { Event } from '../history/event.ts';
import type { Net } from './http.ts';
import type { Redis } from './redis.ts';
import type { SimTime } from './sim-time.ts';
import type { Size } from './size.ts';

export interface Environment {
  readonly sim: SimTime;
  readonly size: Size;
  readonly redis: Redis;
  readonly net: Net;
  /** Whether owners announce their changes, beside committing them. */
  readonly announces: boolean;
  /** The longest pause between two actions of an owner, ms. */
  readonly paceMs: number;
  /** The position of the latest `flush` that resolved. Followers wait for it. */
  lastFlushed: string;
  /** Returns an id for a new value, higher than all before. */
  nextId(): number;
  record(event: Event): void;
  broken(what: string): void;
}

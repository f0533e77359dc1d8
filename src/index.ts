/** Tandem's core: connect, define a space, own it or follow it. No HTTP in here: that is `tandem-sync/koa`. */
export { connect } from './tandem.ts';
export type { ConnectOptions, Tandem } from './tandem.ts';
export { defineSpace, json } from './state/space.ts';
export type { Definition, InputOf, KeyOf, PatternOf, Schema, Space, ValueOf } from './state/space.ts';
export { comparePositions } from './state/position.ts';
export type {
  Owner,
  OwnOptions,
  FencedEvent,
  OwnerEmitted,
  OwnershipChangedEvent,
  Uncommitted,
} from './owner/owner.ts';
export type { Follower, FollowOptions, FollowerEmitted, Refreshed, SyncEvent } from './follower/follower.ts';
export type {
  AnyParticipant,
  ParticipantLogic,
  ParticipantSnapshot,
  ErrorEvent,
  ModeEvent,
} from './actor/participant.ts';
export type { Freshness, Reading, Source } from './state/reading.ts';
export type { DirectOptions } from './ports/path.ts';
export { InvalidValueError, OwnedElsewhereError, TandemError } from './base/errors.ts';
export type { ErrorCode } from './base/errors.ts';
export { connectionMachine } from '../machines/connection.ts';
export type { Mode } from './state/mode.ts';
export { ownershipMachine } from '../machines/ownership.ts';
export type { Ownership } from './state/mode.ts';
export type { Applied, Committed, Happenings, Observer, Synced } from './ports/observer.ts';
export type { RedisTarget } from './redis/client.ts';

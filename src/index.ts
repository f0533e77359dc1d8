/** Tandem's public face. */
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
export type { AnyDesk, DeskLogic, DeskSnapshot, ErrorEvent, ModeEvent } from './actor/desk.ts';
export type { Freshness, Reading, Source } from './state/reading.ts';
export { directRouter } from './http/direct-router.ts';
export type { DirectRouterOptions } from './http/direct-router.ts';
export type { DirectOptions } from './ports/path.ts';
export { statusRouter } from './http/status-router.ts';
export type { DrainOptions, StatusOptions, StatusRouter } from './http/status-router.ts';
export type { Readiness } from './http/standing.ts';
export type { ChartLine, ChartOptions, Tone } from './http/page/charts.ts';
export { InvalidValueError, OwnedElsewhereError, TandemError } from './base/errors.ts';
export type { ErrorCode } from './base/errors.ts';
export { connectionMachine } from '../machines/connection.ts';
export type { Mode } from '../machines/connection.ts';
export { ownershipMachine } from '../machines/ownership.ts';
export type { Ownership } from '../machines/ownership.ts';
export type { Applied, Committed, Happenings, Observer, Synced } from './ports/observer.ts';
export type { RedisTarget } from './redis/client.ts';

/** The entry of `tandem-sync`: connect, define a space, own it or follow it. HTTP is in `tandem-sync/koa`. */
export { connect } from './connect.ts';
export type {
  AnyConnectOptions,
  ConnectOptions,
  MemoryConnectOptions,
  ProcessOptions,
  UpstreamConnectOptions,
} from './connect.ts';
export type { Tandem, TandemStopped } from './tandem.ts';
export type { StoreServer } from './ports/store-server.ts';
export type { Time } from './base/time.ts';
export type { Load } from './base/load.ts';
export type { LogEvent, Logger, LogLevel, LogRecord } from './log/logger.ts';
export { defineSpace } from './state/space.ts';
export { json } from './state/schema.ts';
export type { Definition, InputOf, KeyOf, PatternOf, ValueOf } from './state/definition.ts';
export type { Schema } from './state/schema.ts';
export type { AnySpace, Space } from './state/space.ts';
export { comparePositions } from './state/position.ts';
export type { HistoryOptions, Owner, OwnerEmitted, OwnOptions, Update } from './owner/owner.ts';
export type { History, HistoryQuery, PastChange } from './ports/history.ts';
export type { FencedEvent } from './owner/events.ts';
export type { OwnershipChangedEvent } from './actor/ownership-driver.ts';
export type { HeldBy } from './actor/obstacle.ts';
export type {
  Follower,
  FollowerEmitted,
  FollowOptions,
  ReadyOptions,
  Refreshed,
} from './follower/follower.ts';
export type { AnyDiscovery } from './tandem.ts';
export type { Discovery, DiscoverOptions } from './follower/discovery.ts';
export type { Fleet, FleetMember, FleetTransition, Standing } from './fleet/fleet.ts';
export type { FleetRole } from './fleet/record.ts';
export type { RegistrationState } from './fleet/registration.ts';
export type { SyncEvent } from './follower/events.ts';
export type { Stopped, Uncommitted } from './actor/stopped.ts';
export type { AnyParticipant } from './actor/participant.ts';
export type { ParticipantLogic, ParticipantSnapshot } from './actor/logic.ts';
export type { ErrorEvent, FreshnessEvent, ModeEvent, OwnerChangedEvent } from './actor/events.ts';
export type { Status } from './actor/proof-watch.ts';
export type { WaitUntilOptions } from './actor/wait-until.ts';
export type { WatchOptions } from './actor/watch.ts';
export type { AnyReading, ReadingOf, WatchedBy } from './state/any-reading.ts';
export type { Frozen } from './state/frozen.ts';
export type { Freshness, OwnerState, Reading, Source } from './state/reading.ts';
export type { DirectOptions, UpstreamOptions } from './ports/path.ts';
export { InvalidValueError, OwnedElsewhereError, TandemError } from './base/errors.ts';
export type { ErrorCode } from './base/errors.ts';
export { connectionMachine } from '../machines/connection.ts';
export type { Mode } from './state/mode.ts';
export { ownershipMachine } from '../machines/ownership.ts';
export type { Ownership } from './state/mode.ts';
export type {
  Applied,
  Committed,
  FramePath,
  Happenings,
  LinkChanged,
  Mismatched,
  ModeChanged,
  Observer,
  Rejected,
  Role,
  Sent,
  Synced,
} from './ports/observer.ts';
export type { ClientLike, RedisTarget, TargetOptions } from './redis/target.ts';
export type { Credentials, CredentialsSource } from './redis/credentials.ts';

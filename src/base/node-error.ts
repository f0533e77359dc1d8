/**
 * Errors of Node as text that holds no secret. Pure.
 *
 * An allowlist: what is kept is an error code that Node documents, a system call, and an address that has the
 * form of one. All other text is left out. Node's URL parser keeps the whole URL, with its password, in
 * `input`; JSON's parser quotes what it read; an error of HTTP keeps what came.
 */
import { getSystemErrorMap } from './node.ts';

/** An error as it may be shown. */
export interface SafeError {
  readonly text: string;
  /** Node's code, such as `ECONNREFUSED`. */
  readonly code: string | undefined;
}

/** https://nodejs.org/api/dns.html#error-codes */
const OF_DNS = 'ENOTFOUND ENODATA ESERVFAIL EREFUSED EFORMERR EBADRESP ETIMEOUT';
/** https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const OF_TLS =
  'UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE ' +
  'DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN CERT_HAS_EXPIRED CERT_NOT_YET_VALID ' +
  'CERT_SIGNATURE_FAILURE CERT_CHAIN_TOO_LONG CERT_REVOKED CERT_UNTRUSTED CERT_REJECTED INVALID_CA ' +
  'INVALID_PURPOSE PATH_LENGTH_EXCEEDED HOSTNAME_MISMATCH';
const CODES: ReadonlySet<string> = new Set([
  ...[...getSystemErrorMap().values()].map(([name]) => name),
  ...`${OF_DNS} ${OF_TLS} ABORT_ERR`.split(' '),
]);
/** Codes of Node itself, of its TLS and of its HTTP parser. */
const DOCUMENTED = /^(ERR|HPE)_[A-Z][A-Z0-9_]{1,60}$/;
const CALLS: ReadonlySet<unknown> = new Set(
  'connect read write getaddrinfo getnameinfo shutdown bind open access queryA queryAaaa querySrv'.split(' '),
);
/** As Node words an error of the system: `connect ECONNREFUSED 127.0.0.1:6379`. */
const WORDED = /^(\w+) ([A-Z][A-Z0-9_]+)(?: (\S+))?/;
/** A name or an address of a host, with or without a port; or a path. Neither can hold a user's password. */
const PLACE =
  /^(?:[\w.-]{1,255}(?::\d{1,5})?|\[?[\da-f:.]{2,45}(?:%\w{1,15})?\]?(?::\d{1,5})?|(?:\/[\w.-]+)+)$/i;
/** Names of classes that say something by themselves. */
const NAMES = /^(?:Error|(?:Type|Range|Syntax|Reference|URI|Eval|Abort|Aggregate|Timeout)Error)$/;
const MOST_PARTS = 4;

/** The error as text and code; `undefined` where no rule knows it, so that nothing of it may be shown. */
export function safeNodeError(error: unknown): SafeError | undefined {
  const { code, message, errors } = fieldsOf(error);
  // Where a name has several addresses, each has an error of its own.
  if (Array.isArray(errors) && errors.length > 0) {
    const known = errors.slice(0, MOST_PARTS).flatMap((one: unknown) => safeSingle(one) ?? []);
    const text = [...new Set(known.map((one) => one.text))].join(', ');
    if (text !== '') return { text, code: isCode(code) ? code : known[0]!.code };
  }
  return safeSingle(error) ?? (typeof message === 'string' ? worded(message) : undefined);
}

/** Stands for an error of which nothing may be shown but its class. */
export function unknownError(error: unknown): SafeError {
  const { name } = fieldsOf(error);
  const kind = typeof name === 'string' && NAMES.test(name) ? name : 'an error';
  return { text: `${kind} (its text is left out, since it may hold a secret)`, code: undefined };
}

/** The error as text and code, and never a secret. */
export function safeError(error: unknown): SafeError {
  return safeNodeError(error) ?? unknownError(error);
}

/** An error to be a `cause`: it has the text and the code, and nothing else of what was thrown. */
export function causeOf({ text, code }: SafeError, name = 'Error'): Error {
  return Object.assign(new Error(text), { name }, code !== undefined && { code });
}

/** Whether text has the form of a host, an address or a path, so that it may be shown. */
export function isPlace(text: unknown): text is string {
  return typeof text === 'string' && PLACE.test(text);
}

/** `host:port`, the host, or the path, where it has that form; else nothing. */
export function placeOf(host: unknown, port: unknown, path?: unknown): string | undefined {
  if (isPlace(path)) return path;
  if (!isPlace(host)) return undefined;
  const isPort = /^\d{1,5}$/.test(String(port));
  if (!isPort) return host;
  return host.includes(':') && !host.startsWith('[')
    ? `[${host}]:${String(port)}`
    : `${host}:${String(port)}`;
}

function safeSingle(error: unknown): SafeError | undefined {
  const { code, syscall, address, hostname, port, path, message } = fieldsOf(error);
  if (!isCode(code)) return typeof message === 'string' ? worded(message) : undefined;
  const place = placeOf(address ?? hostname, port, path);
  // Node puts a path of a socket into `address`, too.
  return { text: joined(CALLS.has(syscall) ? String(syscall) : undefined, code, place), code };
}

function worded(message: string): SafeError | undefined {
  const [, call, code, place] = WORDED.exec(message) ?? [];
  if (!CALLS.has(call) || !isCode(code)) return undefined;
  return { text: joined(call, code, isPlace(place) ? place : undefined), code };
}

function joined(...words: readonly (string | undefined)[]): string {
  return words.filter((word) => word !== undefined).join(' ');
}

function isCode(code: unknown): code is string {
  return typeof code === 'string' && (CODES.has(code) || DOCUMENTED.test(code));
}

type Fields = Readonly<Partial<Record<string, unknown>>>;

/** The fields of anything that was thrown. */
function fieldsOf(error: unknown): Fields {
  return typeof error === 'object' && error !== null ? (error as Fields) : {};
}

/**
 * The bounds of a restricted key (src/transport/loader/launcher.ts): the holder of the key may run this agent and
 * choose the words of the request, but neither the sealing key nor the use of the machine's resources.
 */
import { maxClientBytes } from '../../src/report/limits.ts';
import { decodeRequest, RequestVersionError } from '../../src/report/agent-request.ts';
import { otherVersionStatus, restrictedKeySign, type AgentRequest } from '../../src/report/wire.ts';
import { openPlace, type PlaceNames } from '../start/places.ts';
import { listPrivateFiles } from '../start/private-file.ts';
import { clientFolder } from './visit.ts';

/**
 * The values that a restricted key fixes. src/transport/loader/launcher.cjs puts them into
 * `globalThis.fleetHealthPinned`.
 */
export interface Pinned {
  /** The SHA-256 of the agent in hexadecimal digits. */
  readonly digest: string;
  readonly collector: string;
  /** The X25519 public key, base64url. */
  readonly key: string;
}

/** The longest deadline. The launcher's own limit is 120 seconds. */
const maxDeadlineMs = 110_000;
const maxReports = 100;
const maxLogs = 100;
const maxBytes = 8 * 1024 * 1024;
/** The most clients for which the holder of a key may create folders. */
const maxClients = 8;
const clientFolderPattern = /^[0-9a-f]{32}$/;

/** Returns the fixed values, or null if the loader started this agent without a restricted key. */
export function readPinned(): Pinned | null {
  return (globalThis as { fleetHealthPinned?: Pinned }).fleetHealthPinned ?? null;
}

/**
 * Returns the request within the bounds of the key. Ends the process with a reason for the collector if the request is
 * of another version of the protocol. Throws Error if no collector makes such a request.
 */
export function decodeUnderPin(text: string, pinned: Pinned): AgentRequest {
  try {
    return underPin(decodeRequest(text), pinned);
  } catch (error) {
    if (!(error instanceof RequestVersionError)) throw error;
    console.error(`${restrictedKeySign} ${pinned.digest}: ${error.message}`);
    return process.exit(otherVersionStatus);
  }
}

function underPin(request: AgentRequest, { collector, key }: Pinned): AgentRequest {
  const { client, was, run, options } = request;
  if (!isName(client) || !(was === undefined || isName(was)) || !/^[0-9a-f-]{36}$/.test(run)) {
    throw new Error('a request that no collector makes');
  }
  return {
    ...request,
    collector,
    key,
    // A request with a restricted key names no command: the checks come from this client's own conf files.
    checks: [],
    options: {
      units: texts(options.units),
      processes: texts(options.processes),
      mounts: texts(options.mounts),
      logs: texts(options.logs).slice(0, maxLogs),
      // Digests that the request knows are ignored: the answer would confirm a guess.
      noFiles: options.noFiles,
      noExcerpts: options.noExcerpts,
    },
    deadlineMs: Math.min(request.deadlineMs, maxDeadlineMs),
    maxFrames: Math.min(request.maxFrames, maxReports),
    maxBytes: Math.min(request.maxBytes, maxBytes),
  };
}

/** True if this client has a folder here already, or may get one. */
export function mayHaveFolder(client: string, roots: readonly string[], names: PlaceNames): boolean {
  const below = [names.machine, names.collector];
  const known = new Set(
    roots.flatMap((root) => {
      const dir = openPlace(root, below, false);
      return dir === null ? [] : listPrivateFiles(dir).filter((name) => clientFolderPattern.test(name));
    }),
  );
  return known.has(clientFolder(client)) || known.size < maxClients;
}

function isName(value: string): boolean {
  return value !== '' && Buffer.byteLength(value) <= maxClientBytes;
}

function texts(values: unknown): readonly string[] {
  return Array.isArray(values) ? values.filter((value): value is string => typeof value === 'string') : [];
}

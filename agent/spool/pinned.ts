/**
 * What a restricted key fixes (src/loader/launcher.ts): whoever holds that key may have this agent run and choose
 * the words of the request, but not whom reports are sealed to, nor how much of the machine that takes.
 */
import { maxClientBytes } from '../../src/report/limits.ts';
import { decodeRequest, RequestVersionError } from '../../src/report/agent-request.ts';
import { otherVersionStatus, restrictedKeySign } from '../../src/report/wire.ts';
import type { AgentRequest } from '../../src/report/wire.ts';
import { openPlace } from '../start/places.ts';
import type { PlaceNames } from '../start/places.ts';
import { listPrivateFiles } from '../start/private-file.ts';
import { clientFolder } from './visit.ts';

/** What the launcher's text for node leaves in `globalThis.fleetHealthPinned`. */
export interface Pinned {
  /** Of the agent, SHA-256 in hexadecimal digits. */
  readonly digest: string;
  readonly collector: string;
  /** X25519 public key, base64url. */
  readonly key: string;
}

/** The launcher's own limit is 120 seconds. */
const maxDeadlineMs = 110_000;
const maxReports = 100;
const maxBytes = 8 * 1024 * 1024;
/** Names of clients that the holder of a key may have folders made for. */
const maxClients = 8;
const clientFolderPattern = /^[0-9a-f]{32}$/;

/** null: this agent was started by the loader, for whoever may run anything. */
export function readPinned(): Pinned | null {
  return (globalThis as { fleetHealthPinned?: Pinned }).fleetHealthPinned ?? null;
}

/**
 * The request as it may be done. Ends the process, so that the collector knows why, when it is of another version of the
 * protocol. Throws Error when it is not one that a collector makes.
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
    options: {
      units: texts(options.units),
      processes: texts(options.processes),
      mounts: texts(options.mounts),
    },
    deadlineMs: Math.min(request.deadlineMs, maxDeadlineMs),
    maxFrames: Math.min(request.maxFrames, maxReports),
    maxBytes: Math.min(request.maxBytes, maxBytes),
  };
}

/** Whether this client has a folder here already, or may have one made. */
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

/**
 * The command line that takes a Node.js to a client without one (upload-runtime.sh).
 *
 * stdout: the sign `fh-MARKER-runtime-PLACE-CODEC-BYTES` as soon as there is a place for it: the number of the place,
 * how the copy is to be compressed, and how much of it an interrupted transfer has left there. Then stdin is the rest.
 * The binary is tried before it gets its final name. A place where nothing may be executed is found before anything is
 * sent.
 */
import { tryRuntimeProgram, uploadRuntimeScript } from '../report/client-scripts.ts';
import { loaderStatus, startCommand } from './loader.ts';

/** The exit statuses without a runtime in place. Believed only together with the loader's first sign. */
export const uploadStatus = {
  /** No place on this client takes the runtime. The reason is on stderr. */
  noPlace: 91,
  /** Fewer bytes came than were announced. They are kept. */
  cut: 92,
  /** The disk of this place is full. The next place may take the runtime. */
  placeFailed: 93,
  /** The bytes differ from what was sent. */
  damaged: loaderStatus.uploadDamaged,
  /** The binary is whole, and this machine cannot run it. */
  cannotRun: 94,
} as const;

export interface UploadRuntimeOptions {
  /** For messages. */
  readonly client: string;
  /** 16 bytes, base64url. */
  readonly marker: string;
  readonly collectorId: string;
  /** Names the folder on the client. */
  readonly id: string;
  /** SHA-256 of the binary, in hexadecimal digits. */
  readonly digest: string;
  readonly sizeBytes: number;
  /** The copies that may be sent, the best first. The last is `raw`. */
  readonly copies: readonly { readonly codec: string; readonly sizeBytes: number }[];
  /** The number of places on the client that are not to be tried again, the first ones. */
  readonly passOver: number;
}

/** The time limit of the new node's look at itself. */
const trialSeconds = 60;

/** Returns the command line of a transfer. Throws FleetError `config-invalid` as runCommand does. */
export function uploadRuntimeCommand(options: UploadRuntimeOptions): string {
  const { client, marker, collectorId, id, digest, sizeBytes, copies, passOver } = options;
  const listed = copies.map((copy) => `${copy.codec}:${copy.sizeBytes}`).join(' ');
  return startCommand({ client, marker, killAfterSeconds: trialSeconds, node: null }, uploadRuntimeScript, [
    collectorId,
    id,
    digest,
    String(Math.ceil(sizeBytes / 1024)),
    listed,
    String(passOver),
    tryRuntimeProgram,
  ]);
}

export interface RuntimeSign {
  /** The number of the place, from 1. */
  readonly place: number;
  readonly codec: string;
  /** The bytes of the copy that the client has already. */
  readonly presentBytes: number;
}

/** Returns the sign that the client awaits the rest, or null if it has not come yet. */
export function findRuntimeSign(output: Buffer, marker: string): RuntimeSign | null {
  const pattern = new RegExp(`fh-${marker}-runtime-(\\d)-(\\w+)-(\\d{1,12})\\n`);
  const [, place, codec = '', present] = pattern.exec(output.toString('latin1')) ?? [];
  return place === undefined ? null : { place: Number(place), codec, presentBytes: Number(present) };
}

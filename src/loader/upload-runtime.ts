/**
 * The command line that brings a Node.js to a client without one (upload-runtime.sh).
 *
 * stdout: the sign `fh-MARKER-runtime-PLACE-CODEC-BYTES` as soon as there is a place for the runtime: the number of the
 * place, the compression of the copy, and the bytes of an interrupted transfer. Then stdin is the rest. The binary is
 * tried before it gets its final name. A place where nothing may be executed is found before anything is sent.
 */
import { tryRuntimeProgram, uploadRuntimeScript } from '../report/client-scripts.ts';
import { loaderStatus, startCommand } from './loader.ts';

/** The exit statuses without a runtime in place. They count only together with the loader's first sign. */
export const uploadStatus = {
  /** No place on this client accepts the runtime. The reason is on stderr. */
  noPlace: 91,
  /** Fewer bytes arrived than were announced. They are kept. */
  cut: 92,
  /** The disk of this place is full. The next place may accept the runtime. */
  placeFailed: 93,
  /** The received bytes differ from the sent ones. */
  damaged: loaderStatus.uploadDamaged,
  /** The binary is whole, and this machine cannot run it. */
  cannotRun: 94,
} as const;

export interface UploadRuntimeOptions {
  /** The client's name, for messages. */
  readonly client: string;
  /** The marker, 16 bytes, base64url. */
  readonly marker: string;
  readonly collectorId: string;
  /** The id that names the folder on the client. */
  readonly id: string;
  /** SHA-256 of the binary, in hexadecimal digits. */
  readonly digest: string;
  readonly sizeBytes: number;
  /** The copies that may be sent, the best first. The last is `raw`. */
  readonly copies: readonly { readonly codec: string; readonly sizeBytes: number }[];
  /** The number of places on the client to skip, from the first. */
  readonly passOver: number;
}

/** The time limit of the check that the new node makes of itself. */
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
  /** The bytes of the copy that the client already has. */
  readonly presentBytes: number;
}

/** Returns the sign that the client awaits the rest, or null if the sign has not arrived yet. */
export function findRuntimeSign(output: Buffer, marker: string): RuntimeSign | null {
  const pattern = new RegExp(`fh-${marker}-runtime-(\\d)-(\\w+)-(\\d{1,12})\\n`);
  const [, place, codec = '', present] = pattern.exec(output.toString('latin1')) ?? [];
  return place === undefined ? null : { place: Number(place), codec, presentBytes: Number(present) };
}

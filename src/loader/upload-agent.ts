/** The command lines that take an agent to a client, whose program comes on stdin. */
import {
  uploadAgentProgram,
  uploadAgentScript,
  uploadAgentWithRuntimesScript,
  uploadShellScript,
} from '../report/client-scripts.ts';
import { startCommand } from './loader.ts';
import type { ShellStart, StartOptions } from './loader.ts';

export interface UploadOptions extends StartOptions {
  /** The size of the compressed program that stdin begins with. */
  readonly lengthBytes: number;
  /** The digest of the program itself. */
  readonly digest: string;
  /** The digest of the program that stays where it is. */
  readonly otherDigest: string;
  readonly collectorId: string;
}

/** Returns the command line of a visit whose stdin begins with the program for node. Throws as runCommand does. */
export function uploadCommand(options: UploadOptions): string {
  const { lengthBytes, digest, otherDigest, request, collectorId } = options;
  const own = [String(lengthBytes), digest, otherDigest, uploadAgentProgram, request];
  const runtimes = options.runtimes ?? null;
  if (runtimes === null) return startCommand(options, uploadAgentScript, own);
  return startCommand(options, uploadAgentWithRuntimesScript, [...own, collectorId, runtimes.join(' ')]);
}

export interface UploadShellOptions extends StartOptions {
  readonly lengthBytes: number;
  readonly collectorId: string;
  readonly shell: ShellStart;
}

/** Returns the command line of a visit whose stdin is the shell agent, to its end. Throws as runCommand does. */
export function uploadShellCommand(options: UploadShellOptions): string {
  const { lengthBytes, collectorId, shell, request } = options;
  const { digest, marker, folder } = shell;
  return startCommand(options, uploadShellScript, [String(lengthBytes), digest, collectorId, marker, folder, request]);
}

import { protocolVersion, type AgentRequest } from './wire.ts';

/**
 * The request as it stands in the exec string: JSON in base64url, so that no login shell finds anything to expand.
 * Version and kind come first, where a shell agent under a restricted key (agent/shell/pinned.sh) looks for them.
 */
export function encodeRequest({ v, kind, ...more }: AgentRequest): string {
  return Buffer.from(JSON.stringify({ v, kind, ...more })).toString('base64url');
}

/** The collector speaks another version of the protocol than this agent. */
export class RequestVersionError extends Error {}

/**
 * The request an agent was started with. Whoever may start it may do what it does, so the form alone is checked: an
 * Error says that this agent is not the one that was asked.
 */
export function decodeRequest(text: string): AgentRequest {
  const request = JSON.parse(Buffer.from(text, 'base64url').toString()) as Partial<AgentRequest> | null;
  if (request?.v !== protocolVersion) throw new RequestVersionError('a request of another version');
  const { kind, run, client, was, collector, marker, key, options, deadlineMs, maxFrames, maxBytes } = request;
  const texts = [kind, run, client, collector, marker, key, was ?? ''];
  const numbers = [deadlineMs, maxFrames, maxBytes];
  if (!texts.every((value) => typeof value === 'string') || !numbers.every(Number.isSafeInteger) || !options) {
    throw new Error('a request that is not complete');
  }
  return request as AgentRequest;
}

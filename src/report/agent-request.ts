import { protocolVersion, type AgentRequest } from './wire.ts';

/**
 * Encodes a request for the exec string: JSON in base64url, so that a login shell finds nothing to expand. Version and
 * kind come first, because a shell agent under a restricted key (agent/capture/pinned.sh) looks for them there.
 */
export function encodeRequest({ v, kind, ...more }: AgentRequest): string {
  return Buffer.from(JSON.stringify({ v, kind, ...more })).toString('base64url');
}

/** The error if the collector speaks another version of the protocol than this agent. */
export class RequestVersionError extends Error {}

/**
 * Decodes the request with which an agent was started. Checks only the form, because a user who may start an agent may
 * do everything that the agent does. Throws an Error if the request is not meant for this agent.
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

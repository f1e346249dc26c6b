import { hasKnownPrivateParts, type Client } from '../connection/ssh2.ts';

/**
 * After a login OpenSSH says which host keys it has (PROTOCOL of its sources, section 2.5), and ssh2 then has it prove each
 * of them, for an event that nobody here listens to: a turn on the network, a signature of each key there and its check here,
 * which is a fourteenth of the collector's CPU time of a visit. Which key is right is known from known_hosts alone.
 *
 * ssh2 offers no way to leave that out, so its private parts are touched as in pipelining.ts: in the version that this was
 * written for, where they look as they did; else it goes on as ssh2 has it.
 */
const announcement = 'hostkeys-00@openssh.com';

type OnRequest = (protocol: Replies, name: string, wantsReply: boolean, data: unknown) => void;

interface Replies {
  requestSuccess(): void;
}

interface PrivateParts {
  readonly _protocol?: { readonly _handlers?: { GLOBAL_REQUEST?: OnRequest } };
}

const seen = new WeakSet<Client>();

/** To be called while a client's first key exchange goes on; once more does no harm. */
export function passOverHostKeys(ssh: Client): void {
  if (seen.has(ssh) || !hasKnownPrivateParts) return;
  seen.add(ssh);
  const handlers = (ssh as unknown as PrivateParts)._protocol?._handlers;
  const onRequest = handlers?.GLOBAL_REQUEST;
  if (handlers === undefined || typeof onRequest !== 'function') return;
  handlers.GLOBAL_REQUEST = (protocol, name, wantsReply, data) => {
    if (name !== announcement) onRequest(protocol, name, wantsReply, data);
    else if (wantsReply) protocol.requestSuccess();
  };
}

/** src/look/serve/documents: pages and documents, and the processes that make them. */
import { once } from 'node:events';

import type { Config } from '../../../config/config.ts';
import { putSecrets } from '../../../config/secret.ts';
import { messageOf } from '../../../platform/errors/errors.ts';
import { type Answer, packedBody } from '../answer.ts';
import { FleetReader } from '../fleet-reader.ts';
import { targetOf } from '../routes.ts';
import type { FromProcess, SentConfig, ToProcess } from './answer-process.ts';
import type { Documents } from './documents.ts';
import { lookAnswerers } from './look-answerers.ts';

/**
 * Answers the requests of the server that has started this process, with a session of its own that cannot write. Ends
 * with the channel to the server, not with the signals that end the server: answers under way are waited for.
 */
export async function answerInProcess(documents: Documents): Promise<void> {
  const closed = once(process, 'disconnect');
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
  const makers = once(process, 'message').then(([first]) => openAnswerers(first as ToProcess, documents));
  // A message that comes before the answerers are there waits for them.
  process.on('message', (message: ToProcess) => void makers.then(({ take }) => take(message)));
  await closed;
  await (await makers).close();
}

/** Returns what takes the messages of the server, and what closes the session. */
function openAnswerers(first: ToProcess, documents: Documents) {
  if (first.kind !== 'setup') throw new Error(`the first message is ${first.kind}`);
  const { serve } = first;
  let config = received(first);
  let configFault: string | null = null;
  const tell = (message: FromProcess): void => void process.send?.(message, undefined, {}, () => undefined);
  const onDatabase = (): void => tell({ kind: 'database' });
  const reader = new FleetReader({ settings: () => config, onAway: onDatabase, onBack: onDatabase });
  const onFault = (thrown: unknown): void => tell({ kind: 'fault', message: messageOf(thrown) });
  const answerers = lookAnswerers({
    ...{ reader, documents, onFault, title: serve.title, hasEvents: serve.events !== null },
    prefix: serve.prefix,
    groups: serve.metrics ?? [],
    zone: () => config.alerts.zone,
    configFault: () => configFault,
  });
  let running: { readonly id: number; readonly ended: AbortController } | null = null;
  const answer = async ({ id, request, configFault: fault }: ToProcess & { readonly kind: 'ask' }): Promise<void> => {
    const ended = new AbortController();
    running = { id, ended };
    configFault = fault;
    const { name, ...asked } = request;
    const { query } = targetOf(asked.url);
    tell({ kind: 'answer', id, answer: packed(await answerers[name]({ ...asked, query, signal: ended.signal })) });
  };
  const take = (message: ToProcess): void => {
    if (message.kind === 'config') config = received(message);
    else if (message.kind === 'ask') void answer(message);
    else if (message.kind === 'end' && running?.id === message.id) running.ended.abort();
    else if (message.kind === 'forget') reader.forget();
  };
  return { take, close: () => reader.close() };
}

/** Returns the configuration of a message, with its secrets. */
function received({ config, secrets }: SentConfig): Config {
  putSecrets(config, secrets);
  return config;
}

function packed(answer: Answer): Answer {
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  return { ...answer, body, packed: packedBody(body) };
}

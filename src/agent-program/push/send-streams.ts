import { removeFile } from '../../../agent/start/private-file.ts';
import { FleetError, messageOf } from '../../platform/errors/errors.ts';
import { acknowledgedIn, type PushStream } from './push-stream.ts';
import type { PushTransport } from './push-transports.ts';

export interface SendStreams {
  /** Returns the next stream; null if everything was sent. */
  readonly nextStream: () => PushStream | null;
  readonly transport: PushTransport;
  readonly signal: AbortSignal;
}

export interface StreamsSent {
  /** The number of reports that the collector has acknowledged. */
  readonly acknowledged: number;
  /** The number of spooled reports that were sent and are kept, and of those that were not sent. */
  readonly kept: number;
  /** The reason why nothing more was sent; null if everything was sent. */
  readonly failure: string | null;
  /** The advice for the failure; null for the advice of the table of errors. */
  readonly advice: string | null;
  /** True if a report that could not be spooled was acknowledged. */
  readonly tookUnspooled: boolean;
}

/** Sends one stream after the other, and removes acknowledged reports. Never throws. */
export async function sendStreams({ nextStream, transport, signal }: SendStreams): Promise<StreamsSent> {
  let acknowledged = 0;
  let kept = 0;
  let failure: string | null = null;
  let advice: string | null = null;
  let tookUnspooled = false;
  for (let stream = nextStream(); stream !== null && failure === null; stream = nextStream()) {
    const { files, left, body } = stream;
    let known: ReadonlySet<string> = new Set();
    try {
      known = acknowledgedIn(await transport(body, signal));
      if (files.size > 0 && ![...files.keys()].some((id) => known.has(id)))
        failure = 'the collector acknowledged nothing';
    } catch (thrown) {
      failure = messageOf(thrown);
      advice = thrown instanceof FleetError ? thrown.advice : null;
    }
    for (const [id, paths] of files) {
      if (known.has(id)) {
        for (const path of paths) removeFile(path);
        acknowledged += 1;
        tookUnspooled ||= paths.length === 0;
      } else if (paths.length > 0) kept += 1;
    }
    if (failure !== null) kept += left;
  }
  return { acknowledged, kept, failure, advice, tookUnspooled };
}

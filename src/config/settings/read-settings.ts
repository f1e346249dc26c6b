import { statePaths } from '../../state-folder/paths.ts';
import type { Config } from '../config.ts';
import { usualStateFolder } from '../xml/last-good.ts';
import { localPath } from '../xml/local-path.ts';
import { childOf, type Element } from '../xml/parse-elements.ts';
import { readCollector, readForward } from './collector-settings.ts';
import { readCanary, readNotify, readReplies, readReplyLinks, readSmtp } from './mail-settings.ts';
import { readMetrics } from './metrics-settings.ts';
import type { ReadContext } from './read-secret.ts';
import { readServe } from './serve-settings.ts';
import { noStorage, readRetention, readStorage } from './storage-settings.ts';
import { readAlertmanager, readHeartbeat, readWebhooks } from './webhook-settings.ts';

/** The settings of config.xml that concern no single client. */
export type Settings = Pick<
  Config,
  | 'stateDir'
  | 'storage'
  | 'retention'
  | 'smtp'
  | 'replies'
  | 'replyLinks'
  | 'canary'
  | 'notify'
  | 'webhooks'
  | 'alertmanager'
  | 'heartbeats'
  | 'metrics'
  | 'collector'
  | 'serve'
>;

/** Reads the settings beside `<ssh>`, `<alerts>` and the clients. `file` is the absolute path of config.xml. */
export function readSettings(root: Element, file: string, context: ReadContext): Settings {
  const one = (name: string): Element | null => childOf(root, name);
  const all = (name: string): readonly Element[] => root.children.filter((child) => child.name === name);

  const stateDir = stateFolder(file, one('state'));
  const forward = readForward(one('collector'), context);
  const storage =
    forward === null
      ? readStorage(one('storage'), statePaths(stateDir).database, context)
      : noStorage(one('storage'), forward, context);
  const retention = readRetention(one('retention'), context);
  const smtp = readSmtp(one('smtp'), context);
  const serve = readServe(one('serve'), context);
  return {
    stateDir,
    storage,
    retention,
    smtp,
    replies: readReplies(one('replies'), smtp, context),
    replyLinks: readReplyLinks(one('replies'), serve, context),
    canary: readCanary(one('canary'), { smtp: one('smtp'), replies: one('replies') }, context),
    notify: readNotify(all('notify'), context.findings),
    webhooks: readWebhooks(root, context),
    alertmanager: readAlertmanager(one('alertmanager'), context),
    collector: readCollector(one('collector'), storage, context),
    metrics: readMetrics(one('metrics'), context),
    serve,
    heartbeats: all('heartbeat').flatMap((element) => readHeartbeat(element, context)),
  };
}

function stateFolder(file: string, element: Element | null): string {
  const dir = element?.attributes['dir'];
  return element !== null && dir !== undefined ? localPath(dir, element.source) : usualStateFolder(file);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { AnswerMeaning } from '../../../src/notify/webhook/formats.ts';
import { readAnswer } from '../../../src/notify/webhook/read-answer.ts';
import { rememberSecret } from '../../../src/platform/errors/revealed-secrets.ts';

const answers: readonly (readonly [format: Parameters<typeof readAnswer>[0], body: string, AnswerMeaning])[] = [
  ['slack', 'ok', 'accepted'],
  ['slack', 'OK\n', 'accepted'],
  ['slack', '', 'accepted'],
  ['slack', '{"ok":true}', 'accepted'],
  ['slack', '{"success":true}', 'accepted'],
  ['slack', '{"ok":false,"error":"channel_not_found"}', 'refused'],
  ['slack', '{"ok":false,"error":"ratelimited"}', 'later'],
  ['slack', 'no_channel', 'refused'],
  ['slack', 'channel_is_archived', 'refused'],
  ['slack', '<html>Log in to the network</html>', 'refused'],
  ['teams', '1', 'accepted'],
  ['teams', '', 'accepted'],
  [
    'teams',
    'Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x',
    'later',
  ],
  ['teams', 'Webhook Bad Request: message delivery failed with error 400', 'refused'],
  ['pagerduty', '{"status":"success","message":"Event processed","dedup_key":"x"}', 'accepted'],
  ['pagerduty', '{"status":"invalid event","message":"Event object is invalid"}', 'refused'],
  ['ntfy', '{"id":"x","event":"message"}', 'accepted'],
  ['ntfy', '{"code":40101,"http":401,"error":"unauthorized"}', 'refused'],
  ['slack', '{"error":"invalid token"}', 'refused'],
  ['slack', '{"ok":true,"error":null}', 'accepted'],
  // Chats that answer with the number of an error, and Zulip.
  ['slack', '{"errcode":0,"errmsg":"ok"}', 'accepted'],
  ['slack', '{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}', 'accepted'],
  ['slack', '{"errcode":310000,"errmsg":"keywords not in content"}', 'refused'],
  ['slack', '{"errcode":45009,"errmsg":"api freq out of limit"}', 'later'],
  ['slack', '{"code":19024,"msg":"Key Words Not Found","data":{}}', 'refused'],
  ['slack', '{"result":"success","msg":"","id":42}', 'accepted'],
  ['slack', '{"result":"error","msg":"Stream does not exist","code":"STREAM_DOES_NOT_EXIST"}', 'refused'],
  ['slack', '{"status":"error","message":"x"}', 'refused'],
  ['slack', '{"ok":tr', 'later'],
  ['teams', '<!DOCTYPE html><title>Sign in</title>', 'refused'],
  ['pagerduty', '<html><body>Log in to the network</body></html>', 'refused'],
  ['pagerduty', 'Accepted', 'accepted'],
  ['ntfy', ' \n<!doctype HTML>', 'refused'],
  ['discord', '<?xml version="1.0"?>\n<html xmlns="x">', 'refused'],
  ['text', '<html>', 'accepted'],
  ['discord', 'anything', 'accepted'],
  ['alertmanager', '{"ok":false}', 'accepted'],
  ['text', 'no_channel', 'accepted'],
];

for (const [format, body, meaning] of answers) {
  test(`2xx of ${format} with ${JSON.stringify(body)} is ${meaning}`, () => {
    assert.equal(readAnswer(format, { status: 200, retryAfter: null, body }, 0).meaning, meaning);
  });
}

test('a receipt that repeats a token is none, as receipts are stored', () => {
  rememberSecret('azGDORePK8gMaC0QOYAMyEEuzJnyUi');
  const receiptOf = (receipt: string): string | null => {
    const body = JSON.stringify({ status: 1, receipt });
    return readAnswer('pushover', { status: 200, retryAfter: null, body }, 0).receipt;
  };
  assert.equal(receiptOf('rLqVuqTRh62UzxtmqiaLzQmVcPgiCy'), 'rLqVuqTRh62UzxtmqiaLzQmVcPgiCy');
  assert.equal(receiptOf('azgdorepk8gmac0qoyamyeeuzjnyui'), null);
  assert.equal(receiptOf(Buffer.from('azGDORePK8gMaC0QOYAMyEEuzJnyUi').toString('hex')), null);
});

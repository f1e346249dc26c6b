/** The request in the exec string and the frames of the answer, in any pieces and at every limit. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';

import fc from 'fast-check';

import { decodeRequest, encodeRequest } from '../../src/report/agent-request.ts';
import {
  FrameParser,
  encodeFrame,
  encodeJsonFrame,
  parseAgentFault,
  parseEnd,
  parseHello,
  WireFault,
  type FrameLimits,
} from '../../src/report/frames.ts';
import {
  maxGreetingBytes,
  maxCaptureBytes,
  maxJsonFrameBytes,
  type AgentRequest,
  type Frame,
} from '../../src/report/wire.ts';

// No end of this marker equals a beginning of it: after a part of the marker, the whole one is found once.
const marker = Buffer.from('0123456789abcdef');
const limits: FrameLimits = { marker, maxGreetingBytes, maxReportBytes: 1000, maxReports: 3, maxTotalBytes: 2000 };

const request: AgentRequest = {
  v: 1,
  kind: 'visit',
  run: 'b0f0a1d4-1111-4222-8333-444455556666',
  client: 'wéb-1 $(x)',
  was: 'old',
  collector: 'c0ffee',
  marker: marker.toString('base64url'),
  key: randomBytes(32).toString('base64url'),
  options: { units: ['nginx.service'], processes: ["it's*"], mounts: ['/mnt/a b'] },
  deadlineMs: 9500,
  maxFrames: 100,
  maxBytes: 8_000_000,
};

/** Checks that an action throws a WireFault with this code. */
const refused = (action: () => unknown, code = 'agent-output'): void =>
  assert.throws(action, (thrown) => thrown instanceof WireFault && thrown.code === code);

test('a frame says its type and length in five bytes, whatever the length', () => {
  for (const length of [0, 1, 255, 256, 65_535, 65_536, 0x010203, 0x1000005]) {
    const frame = encodeFrame('R', new Uint8Array(length));
    assert.equal(frame.toString('latin1', 0, 1), 'R');
    assert.equal(frame.readUInt32BE(1), length);
    assert.equal(frame.length, 5 + length);
  }
});

test('a request comes back as it was, and holds nothing that a shell could take for its own', () => {
  const text = encodeRequest(request);
  assert.deepEqual(decodeRequest(text), request);
  assert.match(text, /^[\w-]+$/);
});

for (const [what, change] of [
  ['another version', { v: 2 }],
  ['no client', { client: undefined }],
  ['no options', { options: undefined }],
  ['a deadline that is no number', { deadlineMs: '9' }],
] as const) {
  test(`a request with ${what} is refused`, () => {
    assert.throws(() => decodeRequest(encodeRequest({ ...request, ...change } as unknown as AgentRequest)));
  });
}

const hello = { v: 1, agent: '1.0.0', wall_ms: 1_700_000_000_000, monotonic_ms: 5, boot_id: null };
const end = { left: 2, place: '/x', spool_error: null };
const stream = Buffer.concat([
  encodeJsonFrame('H', hello),
  encodeFrame('R', Buffer.alloc(1000, 1)),
  encodeFrame('R', Buffer.alloc(0)),
  encodeJsonFrame('F', { code: 'agent-stuck', message: 'x' }),
  encodeJsonFrame('E', end),
]);
const whole = Buffer.concat([Buffer.from('Welcome!\n'), marker, stream]);

test('frames come out the same in whatever pieces they arrive', () => {
  const expected = new FrameParser(limits).push(whole);
  assert.equal(expected.map(({ type }) => type).join(''), 'HRRFE');
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 60 }), (sizes) => {
      const parser = new FrameParser(limits);
      const frames: Frame[] = [];
      let at = 0;
      for (const size of sizes) {
        frames.push(...parser.push(whole.subarray(at, at + size)));
        at += size;
      }
      frames.push(...parser.push(whole.subarray(at)));
      assert.deepEqual(frames, expected);
      assert.equal(parser.greeting().toString(), 'Welcome!\n');
    }),
  );
});

test('cut off at any byte, what was complete is handed out and nothing else', () => {
  const ends = new FrameParser(limits).push(whole).map(() => 0);
  let at = whole.length - stream.length;
  for (const [index, frame] of new FrameParser(limits).push(whole).entries()) {
    at += 5 + frame.payload.length;
    ends[index] = at;
  }
  for (let length = 0; length <= whole.length; length += 1) {
    const frames = new FrameParser(limits).push(whole.subarray(0, length));
    assert.equal(frames.length, ends.filter((end) => end <= length).length, `cut at ${length}`);
  }
});

test('what follows the last frame says nothing, whether it comes with it or after it', () => {
  const together = new FrameParser(limits);
  assert.equal(together.push(Buffer.concat([whole, Buffer.alloc(4096)])).length, 5);
  const apart = new FrameParser(limits);
  assert.equal(apart.push(whole).length, 5);
  for (const parser of [together, apart])
    assert.deepEqual(parser.push(Buffer.concat([stream, Buffer.alloc(4096)])), []);
});

test('a greeting may hold 64 KiB and parts of the marker, not a byte more', () => {
  const greeting = Buffer.concat([Buffer.alloc(maxGreetingBytes - 15, 'x'), marker.subarray(0, 15)]);
  const parser = new FrameParser(limits);
  assert.deepEqual(parser.push(greeting), []);
  assert.equal(parser.started, false);
  assert.equal(parser.push(Buffer.concat([marker, stream])).length, 5);

  const longer = Buffer.concat([Buffer.from('x'), greeting, marker, stream]);
  refused(() => new FrameParser(limits).push(longer));
  const endless = new FrameParser(limits);
  let pushed = 0;
  refused(() => {
    for (; pushed < 1_000_000; pushed += 1000) endless.push(Buffer.alloc(1000, 'x'));
  });
  assert.ok(pushed <= maxGreetingBytes + 1000);
});

test('a capture of the greatest size is taken in whatever two pieces it arrives', () => {
  const payload = Buffer.alloc(limits.maxTotalBytes, 'x');
  const bytes = Buffer.concat([marker, Buffer.from('U'), payload, marker]);
  for (let cut = bytes.length - marker.length; cut <= bytes.length; cut += 1) {
    const parser = new FrameParser(limits);
    const frames = [...parser.push(bytes.subarray(0, cut)), ...parser.push(bytes.subarray(cut))];
    assert.deepEqual(frames, [{ type: 'U', payload }], `cut at ${cut}`);
  }
});

const header = (type: string, size: number): Buffer => {
  const bytes = Buffer.alloc(5);
  bytes.write(type, 'latin1');
  bytes.writeUInt32BE(size, 1);
  return bytes;
};
const report = (size: number): Buffer => encodeFrame('R', Buffer.alloc(size));

for (const { what, bytes, code } of [
  { what: 'a report over its limit, before it comes', bytes: header('R', 1001), code: 'report-too-large' },
  { what: 'a report of 4 GiB', bytes: header('R', 0xffff_ffff), code: 'report-too-large' },
  {
    what: 'a capture without an end',
    bytes: Buffer.concat([Buffer.from('U'), Buffer.alloc(maxCaptureBytes + marker.length)]),
    code: 'report-too-large',
  },
  {
    what: 'a capture beyond what was asked for',
    bytes: Buffer.concat([Buffer.from('U'), Buffer.alloc(3001)]),
    code: 'agent-output',
  },
  { what: 'a frame of no known type', bytes: header('X', 1), code: 'agent-output' },
  { what: 'a hello that is too long', bytes: header('H', maxJsonFrameBytes + 1), code: 'agent-output' },
  { what: 'more reports than were asked for', bytes: Buffer.concat([1, 2, 3, 4].map(report)), code: 'agent-output' },
  {
    what: 'more bytes than were asked for',
    bytes: Buffer.concat([report(1000), report(1000), header('R', 1)]),
    code: 'agent-output',
  },
] as const) {
  test(`refused at once: ${what}`, () => {
    refused(() => new FrameParser(limits).push(Buffer.concat([marker, bytes])), code);
  });
}

test('what frames say comes back as it was', () => {
  const json = (content: unknown): Buffer => Buffer.from(JSON.stringify(content));
  assert.deepEqual(parseHello(json(hello)), hello);
  assert.deepEqual(parseHello(json({ ...hello, reader: 'shell' })), { ...hello, reader: 'shell' });
  assert.deepEqual(parseEnd(json(end)), end);
  assert.deepEqual(parseAgentFault(json({ code: 'agent-stuck', message: 'm' })), { code: 'agent-stuck', message: 'm' });
});

for (const [parse, wrong] of [
  [parseHello, ['', '[]', 'null', '1', '{"v":1']],
  [
    parseHello,
    [
      {},
      { ...hello, wall_ms: -1 },
      { ...hello, wall_ms: 1.5 },
      { ...hello, wall_ms: 2 ** 53 },
      { ...hello, agent: 'x'.repeat(65) },
    ],
  ],
  [
    parseHello,
    [
      { ...hello, boot_id: 7 },
      { ...hello, reader: 'runtime' },
    ],
  ],
  [
    parseHello,
    [
      { ...hello, monotonic_ms: 1e300 },
      { ...hello, v: '1' },
    ],
  ],
  [parseEnd, [{}, { ...end, left: null }, { ...end, place: 1 }, { left: 1, place: null }]],
  [parseAgentFault, [{}, { code: 'storage-full', message: '' }, { code: 'agent-failed' }]],
] as const) {
  for (const content of wrong) {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    test(`${parse.name} refuses ${text}`, () => refused(() => parse(Buffer.from(text))));
  }
}

/** The control port's UDP sockets: strange sources, addresses that come and go, other users of the machine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ACCOUNTS, IS_ROOT } from './accounts.js';
import { impossible, waitFor, withWorld } from './harness.js';
import { first, operationOf } from './protocol.js';

const skip = (await impossible()) ?? false;
const PORT = 4001;
const NOBODY = '65534';

/** Sends a UDP datagram from port 0, which no socket but a raw one does: destination, port, content in hex. */
const FROM_PORT_0 = `
  use Socket;
  my ($to, $port, $hex) = @ARGV;
  socket(my $s, PF_INET, SOCK_RAW, 17) or die "socket: $!";
  my $content = pack 'H*', $hex;
  my $datagram = pack('nnnn', 0, $port, 8 + length $content, 0) . $content;
  defined send($s, $datagram, 0, sockaddr_in(0, inet_aton($to))) or die "send: $!";
`;

/** Binds a UDP socket beside the door's, if that is allowed: address and port. */
const BIND_BESIDE = `
  use Socket;
  socket(my $s, PF_INET, SOCK_DGRAM, 17) or die "socket: $!";
  setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1) or die "setsockopt: $!";
  bind($s, sockaddr_in($ARGV[1], inet_aton($ARGV[0]))) or die "bind: $!";
`;

for (const policy of ['always', 'basic-auth'] as const) {
  test(`a datagram from port 0 is nothing to a door under ${policy}`, { skip }, () =>
    withWorld({ services: [PORT], server: { policy } }, async (world) => {
      const datagrams = [first('knock'), first('knock', { key: '00'.repeat(31).concat('01') })];
      for (const bytes of datagrams) {
        const hex = bytes.toString('hex');
        await world.client().must(['perl', '-e', FROM_PORT_0, world.v4, '5800', hex]);
      }
      const { status, stderr } = await world.knock([world.v4, `${PORT}`, '-U']);
      assert.equal(status, 0, stderr);
      assert.ok(process.kill(world.door.pid, 0), 'the door lives');
    }),
  );
}

test('an address that comes later answers as itself, and may go again', { skip }, () =>
  withWorld({ services: [PORT] }, async (world) => {
    const late = '10.77.0.77';
    await world.server.ip([`addr add ${late}/16 dev c0`]);
    const answers = async (): Promise<boolean> => {
      const one = await world.open({ transport: 'udp', address: late });
      await one.send(first('knock'));
      const { datagrams } = await one.receive(56, 100);
      await one.close();
      return datagrams.some(
        ({ address, bytes }) => address === late && operationOf(bytes) === 'challenge',
      );
    };
    await waitFor(`an answer from ${late}`, answers);
    await world.server.ip([`addr del ${late}/16 dev c0`]);
    const { status, stderr } = await world.knock([world.v4, `${PORT}`, '-U']);
    assert.equal(status, 0, stderr);
  }),
);

const skipUnlessRoot = skip || (IS_ROOT ? false : 'needs root for other users');

test(
  'no other user of the machine can stand beside the door’s sockets',
  { skip: skipUnlessRoot },
  () =>
    withWorld({ services: [PORT] }, async (world) => {
      for (const address of ['127.0.0.1', world.v4, '0.0.0.0']) {
        const asNobody = ['setpriv', '--reuid', NOBODY, '--clear-groups', '--'];
        const run = await world.server.run([
          ...asNobody,
          'perl',
          '-e',
          BIND_BESIDE,
          address,
          '5800',
        ]);
        assert.notEqual(run.status, 0, address);
        assert.match(run.stderr, /bind: Address already in use/);
      }
    }),
);

/** Tries to bind beside the door's sockets as fast as it can, for so many seconds; says when it could. */
const BIND_AGAIN = `
  use Socket; use Time::HiRes qw(time);
  my ($seconds, $port, @addresses) = @ARGV;
  my $end = time + $seconds;
  print "begun\\n"; $| = 1;
  while (time < $end) {
    for (@addresses) {
      socket(my $s, PF_INET, SOCK_DGRAM, 17) or die "socket: $!";
      setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
      setsockopt($s, SOL_SOCKET, 15, 1); # SO_REUSEPORT
      if (bind($s, sockaddr_in($port, inet_aton($_)))) { print "bound to $_\\n"; exit 1 }
    }
  }
`;
/** Longer than the door waits before it looks at the addresses again. */
const TRIED_S = 7;

test('not even while addresses come', { skip: skipUnlessRoot }, () =>
  withWorld({ services: [PORT] }, async (world) => {
    const asNobody = ['setpriv', '--reuid', NOBODY, '--clear-groups', '--'];
    const late = ['10.77.0.78', '10.77.0.79'];
    const trying = world.server.run([
      ...[...asNobody, 'perl', '-e', BIND_AGAIN, `${TRIED_S}`, '5800'],
      ...['0.0.0.0', '127.0.0.1', world.v4],
    ]);
    await world.server.ip(late.map((address) => `addr add ${address}/16 dev c0`));
    const run = await trying;
    assert.deepEqual([run.status, run.stdout], [0, 'begun\n'], run.stderr);
    for (const address of late) {
      const one = await world.open({ transport: 'udp', address });
      await one.send(first('knock'));
      const { datagrams } = await one.receive(56, 500);
      assert.equal(datagrams[0]?.address, address, 'and they have sockets of their own');
    }
  }),
);

/** Has the control port, with SO_REUSEPORT, as the user it runs as, until its input ends. */
const HAVE_PORT = `
  use Socket; $| = 1;
  socket(my $s, PF_INET, SOCK_DGRAM, 17) or die "socket: $!";
  setsockopt($s, SOL_SOCKET, 15, 1) or die "setsockopt: $!";
  bind($s, sockaddr_in($ARGV[0], INADDR_ANY)) or die "bind: $!";
  sleep $ARGV[1];
`;

test('no other door of the same user stands beside this one', { skip: skipUnlessRoot }, () =>
  withWorld({ start: false, server: { transports: ['udp'] } }, async (world) => {
    const id = `${ACCOUNTS.letmeind}`;
    const asDoor = ['setpriv', '--reuid', id, '--regid', id, '--clear-groups', '--'];
    const other = world.server.run([...asDoor, 'perl', '-e', HAVE_PORT, '5800', '3']);
    await waitFor('the other to have the port', () => world.server.listens('udp', 5800));
    await world.judge.start();
    world.door.launch();
    assert.deepEqual(await world.door.exited, { code: 1, signal: null });
    assert.match(
      world.door.log,
      /failed to listen on the control port: .*udp 0\.0\.0\.0 port 5800.*: another program has it/,
    );
    assert.equal((await other).status, 0);
  }),
);

// Loaded before a program (NODE_OPTIONS=--import): refuses and writes down every name it would look up and every connection or datagram
// that would leave this machine. REELAY_TEST_OUTBOUND is the file.
import dgram from 'node:dgram';
import dns from 'node:dns';
import { appendFileSync } from 'node:fs';
import net from 'node:net';

const LOOPBACK = /^(127\.|::1$|localhost$|::ffff:127\.)/;
const refuse = what => {
  appendFileSync(process.env.REELAY_TEST_OUTBOUND, `${what}\n`);
  throw new Error(`outbound: ${what}`);
};

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const [first] = Array.isArray(args[0]) ? args[0] : args;
  const host = typeof first === 'object' ? (first.host ?? first.path) : args[1];
  if (typeof host === 'string' && !host.startsWith('/') && !LOOPBACK.test(host)) refuse(`connect ${host}`);
  return connect.apply(this, args);
};
const lookup = dns.lookup;
dns.lookup = (name, ...rest) =>
  LOOPBACK.test(name) || net.isIP(name) ? lookup(name, ...rest) : refuse(`lookup ${name}`);
dgram.Socket.prototype.send = () => refuse('datagram');

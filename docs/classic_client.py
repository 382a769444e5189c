#!/usr/bin/env python3
"""The article's client, for Python 3, and its interactive session.

    python3 docs/classic_client.py [--host 127.0.0.1] [--port 31337]

runs the session against a trivet node and compares each answer with the
article's; the exit status is 1 where one differs. Without trivet's redirects
it is the article's client: where a follower answers MOVED, this one goes on at
the leader. One answer of the printed session is not what the article's own
code gives: its last FLUSH removes three keys (k2, k3 and kx), and prints 2.

Only the standard library is used. As a module:

    from classic_client import Client
    Client().set('kx', {'vx': [1, 2, 3]})
"""

import argparse
import io
import socket
import sys
from collections import namedtuple

Error = namedtuple('Error', ('message',))


class CommandError(Exception):
    """The server answered with an error."""


class Disconnect(Exception):
    """The server closed the connection."""


class ProtocolHandler:
    """Reads and writes the article's types on a file-like object."""

    def __init__(self):
        self.handlers = {
            b'+': self.handle_simple_string,
            b'-': self.handle_error,
            b':': self.handle_integer,
            b'$': self.handle_string,
            b'*': self.handle_array,
            b'%': self.handle_dict,
        }

    def handle_request(self, socket_file):
        first_byte = socket_file.read(1)
        if not first_byte:
            raise Disconnect()
        handler = self.handlers.get(first_byte)
        if handler is None:
            raise CommandError('bad request')
        return handler(socket_file)

    @staticmethod
    def line(socket_file):
        line = socket_file.readline()
        if not line.endswith(b'\r\n'):
            raise Disconnect()
        return line[:-2]

    def handle_simple_string(self, socket_file):
        return self.line(socket_file).decode()

    def handle_error(self, socket_file):
        return Error(self.line(socket_file).decode())

    def handle_integer(self, socket_file):
        return int(self.line(socket_file))

    def handle_string(self, socket_file):
        length = int(self.line(socket_file))
        if length == -1:
            return None
        data = socket_file.read(length + 2)
        if len(data) < length + 2:
            raise Disconnect()
        try:
            return data[:-2].decode()
        except UnicodeDecodeError:
            return data[:-2]

    def handle_array(self, socket_file):
        count = int(self.line(socket_file))
        if count == -1:
            return None
        return [self.handle_request(socket_file) for _ in range(count)]

    def handle_dict(self, socket_file):
        count = int(self.line(socket_file))
        items = [self.handle_request(socket_file) for _ in range(count * 2)]
        return dict(zip(items[::2], items[1::2]))

    def write_response(self, socket_file, data):
        buf = io.BytesIO()
        self._write(buf, data)
        socket_file.write(buf.getvalue())
        socket_file.flush()

    def _write(self, buf, data):
        if isinstance(data, str):
            data = data.encode('utf-8')
        if isinstance(data, bytes):
            buf.write(b'$%d\r\n%s\r\n' % (len(data), data))
        elif isinstance(data, int):
            buf.write(b':%d\r\n' % data)
        elif isinstance(data, Error):
            buf.write(b'-%s\r\n' % data.message.encode())
        elif isinstance(data, (list, tuple)):
            buf.write(b'*%d\r\n' % len(data))
            for item in data:
                self._write(buf, item)
        elif isinstance(data, dict):
            buf.write(b'%%%d\r\n' % len(data))
            for key, value in data.items():
                self._write(buf, key)
                self._write(buf, value)
        elif data is None:
            buf.write(b'$-1\r\n')
        else:
            raise CommandError('unrecognized type: %s' % type(data))


class Client:
    """A connection to a node, and to the leader once a node names it."""

    def __init__(self, host='127.0.0.1', port=31337, max_redirects=5):
        self._protocol = ProtocolHandler()
        self._max_redirects = max_redirects
        self._fh = None
        self._connect(host, port)

    def _connect(self, host, port):
        self.close()
        self.address = (host, port)
        with socket.create_connection((host, port), timeout=10) as sock:
            self._fh = sock.makefile('rwb')  # keeps the socket open

    def close(self):
        if self._fh is not None:
            self._fh.close()
            self._fh = None

    def execute(self, *args):
        for _ in range(self._max_redirects):
            self._protocol.write_response(self._fh, args)
            resp = self._protocol.handle_request(self._fh)
            if not isinstance(resp, Error):
                return resp
            word, _, rest = resp.message.partition(' ')
            if word != 'MOVED':
                raise CommandError(resp.message)
            # "MOVED 0 host:port": go on at the leader.
            host, _, port = rest.split()[1].rpartition(':')
            self._connect(host.strip('[]'), int(port))
        raise CommandError('too many redirects')

    def get(self, key):
        return self.execute('GET', key)

    def set(self, key, value):
        return self.execute('SET', key, value)

    def delete(self, key):
        return self.execute('DELETE', key)

    def flush(self):
        return self.execute('FLUSH')

    def mget(self, *keys):
        return self.execute('MGET', *keys)

    def mset(self, *items):
        return self.execute('MSET', *items)


# The article's session: a call, its arguments, the answer.
SESSION = [
    ('mset', ('k1', 'v1', 'k2', ['v2-0', 1, 'v2-2'], 'k3', 'v3'), 3),
    ('get', ('k2',), ['v2-0', 1, 'v2-2']),
    ('mget', ('k3', 'k1'), ['v3', 'v1']),
    ('delete', ('k1',), 1),
    ('get', ('k1',), None),
    ('delete', ('k1',), 0),
    ('set', ('kx', {'vx': {'vy': 0, 'vz': [1, 2, 3]}}), 1),
    ('get', ('kx',), {'vx': {'vy': 0, 'vz': [1, 2, 3]}}),
    ('flush', (), 3),
]


def main():
    parser = argparse.ArgumentParser(description='Run the article\'s session against a trivet node.')
    parser.add_argument('--host', default='127.0.0.1')
    parser.add_argument('--port', type=int, default=31337)
    options = parser.parse_args()
    client = Client(options.host, options.port)
    keys = client.execute('DBSIZE')
    if keys:
        sys.exit('the database holds %d keys, and the session ends with FLUSH: run it on an empty one' % keys)
    wrong = 0
    for name, args, want in SESSION:
        print('>>> client.%s(%s)' % (name, ', '.join(map(repr, args))))
        got = getattr(client, name)(*args)
        if got is not None:
            print(repr(got))
        if got != want:
            wrong += 1
            print('    the article has %r' % (want,))
    print('%d answers, %d differ from the article; served by %s:%d'
          % ((len(SESSION), wrong) + client.address))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())

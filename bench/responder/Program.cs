// responder PORT HOSTS [BATCH]
// The least that a DNS server in C# can do: take a batch of datagrams, look each raw name up, put one A record behind the question, send the batch.
// It knows no case, no EDNS, no type and no malformed packet; what a real server adds to its cost is the server's own.
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MeshDns.Bench.Responder;

[assembly: DisableRuntimeMarshalling]

if (args is not [{ } port, { } hosts, ..]) return 2;
var table = new RawTable(hosts);
var batch = new RawBatch(args is [_, _, { } size] ? Number(size) : 64);
using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 4 << 20 };
socket.Bind(new IPEndPoint(IPAddress.Loopback, Number(port)));
batch.Serve((int)socket.SafeHandle.DangerousGetHandle(), table);
return 0;

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

namespace MeshDns.Bench.Responder
{
    /// <summary>Open addressing on the raw name.</summary>
    internal sealed class RawTable
    {
        private const int Size = 1 << 15;
        private const int MaxName = 64;
        private readonly byte[] _lengths = new byte[Size];
        private readonly byte[] _names = new byte[Size * MaxName];
        private readonly uint[] _addresses = new uint[Size];

        public RawTable(string file)
        {
            foreach (var line in File.ReadLines(file))
            {
                var fields = line.Split(' ');
                var name = new List<byte>();
                foreach (var label in fields[1].Split('.')) name.AddRange([(byte)label.Length, .. label.Select(c => (byte)c)]);
                name.Add(0);
                var slot = Hash([.. name]);
                while (_lengths[slot] != 0) slot = (slot + 1) & (Size - 1);
                _lengths[slot] = (byte)name.Count;
                name.CopyTo(_names, (int)slot * MaxName);
                _addresses[slot] = MemoryMarshal.Read<uint>(IPAddress.Parse(fields[0]).GetAddressBytes());
            }
        }

        public bool TryGet(ReadOnlySpan<byte> name, out uint address)
        {
            for (var slot = Hash(name); name.Length < MaxName && _lengths[slot] != 0; slot = (slot + 1) & (Size - 1))
            {
                if (_lengths[slot] != name.Length || !name.SequenceEqual(_names.AsSpan((int)slot * MaxName, name.Length))) continue;
                address = _addresses[slot];
                return true;
            }
            address = 0;
            return false;
        }

        private static uint Hash(ReadOnlySpan<byte> name)
        {
            var hash = 1469598103934665603UL;
            for (; name.Length >= sizeof(ulong); name = name[sizeof(ulong)..])
            {
                hash = (hash ^ MemoryMarshal.Read<ulong>(name)) * 0x9E3779B97F4A7C15;
                hash ^= hash >> 29;
            }
            ulong last = 0;
            foreach (var b in name) last = (last << 8) | b;
            hash = (hash ^ last) * 0x9E3779B97F4A7C15;
            return (uint)(hash ^ (hash >> 32)) & (Size - 1);
        }
    }

    /// <summary>recvmmsg, answer in place, sendmmsg.</summary>
    internal sealed unsafe class RawBatch
    {
        private const int BufferSize = 2048;
        private const int AddressSize = 16;
        private const int WaitForOne = 0x10000;
        private readonly int _size;
        private readonly Batched* _messages;
        private readonly Vector* _vectors;
        private readonly byte* _buffers;

        public RawBatch(int size)
        {
            _size = size;
            _messages = (Batched*)NativeMemory.AllocZeroed((nuint)size, (nuint)sizeof(Batched));
            _vectors = (Vector*)NativeMemory.AllocZeroed((nuint)size, (nuint)sizeof(Vector));
            _buffers = (byte*)NativeMemory.AlignedAlloc((nuint)(size * BufferSize), 64);
            var addresses = (byte*)NativeMemory.AllocZeroed((nuint)size, AddressSize);
            for (var i = 0; i < size; i++)
            {
                _vectors[i].Base = _buffers + (i * BufferSize);
                _messages[i] = new Batched { Name = addresses + (i * AddressSize), Vectors = _vectors + i, VectorCount = 1, Control = null, ControlLength = 0, Flags = 0, Padding = 0, Length = 0 };
            }
        }

        public void Serve(int socket, RawTable table)
        {
            while (true)
            {
                for (var i = 0; i < _size; i++)
                {
                    _vectors[i].Length = BufferSize;
                    _messages[i].NameLength = AddressSize;
                }
                var count = Receive(socket, _messages, (uint)_size, WaitForOne, null);
                for (var i = 0; i < count; i++) _vectors[i].Length = (nuint)Answer(new Span<byte>(_buffers + (i * BufferSize), BufferSize), (int)_messages[i].Length, table);
                for (var sent = 0; sent < count;)
                {
                    var more = Send(socket, _messages + sent, (uint)(count - sent), 0);
                    if (more <= 0) break;
                    sent += more;
                }
            }
        }

        private static int Answer(Span<byte> packet, int length, RawTable table)
        {
            var end = 12;
            while (end < length && packet[end] != 0) end += packet[end] + 1;
            if (++end + 4 > length) return 0;
            packet[2] = (byte)(0x84 | (packet[2] & 1));
            packet[3] = 0x80;
            if (!table.TryGet(packet[12..end], out var address))
            {
                packet[3] = 0x83;
                return end + 4;
            }
            packet[7] = 1;
            ReadOnlySpan<byte> record = [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4];
            record.CopyTo(packet[(end + 4)..]);
            MemoryMarshal.Write(packet[(end + 16)..], address);
            return end + 20;
        }

        [DllImport("libc", EntryPoint = "recvmmsg")]
        private static extern int Receive(int socket, Batched* messages, uint count, int flags, void* timeout);

        [DllImport("libc", EntryPoint = "sendmmsg")]
        private static extern int Send(int socket, Batched* messages, uint count, int flags);

        private struct Vector
        {
            public byte* Base;
            public nuint Length;
        }

        private struct Batched
        {
            public byte* Name;
            public uint NameLength;
            public Vector* Vectors;
            public nuint VectorCount;
            public byte* Control;
            public nuint ControlLength;
            public int Flags;
            public int Padding;
            public uint Length;
        }
    }
}

namespace MeshDns.Actors.Protocol;

/// <summary>Cuts messages that are too large for a frame, and puts them together again. For one actor.</summary>
internal sealed class MessageParts
{
    /// <summary>A whole message is at most so long: a change of 100,000 documents with much in them.</summary>
    public const int MostBytes = 64 * 1024 * 1024;

    private const int MostOpen = 64;
    private const long PatienceMs = 30_000;

    private readonly Dictionary<(string From, long Id), Open> _open = [];
    private long _lastId;
    private long _bytes;

    /// <summary>What is sent for a message: itself, or its parts.</summary>
    /// <exception cref="ArgumentException">It is larger than anybody takes.</exception>
    public IEnumerable<MeshMessage> Cut(MeshMessage message)
    {
        // Most are small, and are serialized once more when they leave; only these can be large.
        if (message is not (SubmitChange or ChangeAnswered or FoundDocuments or FoundNames or FoundHosts or PastReported)) return [message];
        var bytes = MeshWire.Write(message);
        if (bytes.Length <= MeshWire.MostBytes) return [message];
        if (bytes.Length > MostBytes) throw new ArgumentException($"a {message.GetType().Name} of {bytes.Length} bytes is larger than anybody takes");
        var (id, chunks) = (++_lastId, bytes.Chunk(MeshWire.MostBytes).ToArray());
        return chunks.Select((chunk, i) => (MeshMessage)new MessagePart(id, i, chunks.Length, MeshWire.KindOf(message), chunk));
    }

    /// <summary>Takes a part; the whole message with the last one, else null. What is not complete in time, or too much, is dropped: its sender's deadline tells it.</summary>
    /// <exception cref="FormatException">The whole is no message.</exception>
    public MeshMessage? Take(string from, MessagePart part, long nowMs)
    {
        foreach (var late in _open.Where(o => nowMs - o.Value.BegunMs > PatienceMs).Select(o => o.Key).ToArray()) Drop(late);
        var key = (from, part.Id);
        if (part.Index == 0)
        {
            Drop(key);
            if (_open.Count >= MostOpen) return null;
            _open.Add(key, new Open(nowMs, part.Count, part.Kind, new MemoryStream()));
        }
        // Akka keeps the order of what one actor says to another; a hole means that something was lost.
        if (!_open.TryGetValue(key, out var open) || open.Next != part.Index || open.Count != part.Count || _bytes + part.Bytes.Length > MostBytes)
        {
            Drop(key);
            return null;
        }
        open.Bytes.Write(part.Bytes);
        _bytes += part.Bytes.Length;
        open.Next++;
        if (open.Next < open.Count) return null;
        var whole = open.Bytes.ToArray();
        Drop(key);
        return MeshWire.Read(open.Kind, whole);
    }

    private void Drop((string, long) key)
    {
        if (_open.Remove(key, out var open)) _bytes -= open.Bytes.Length;
    }

    private sealed class Open(long begunMs, int count, string kind, MemoryStream bytes)
    {
        public long BegunMs => begunMs;

        public int Count => count;

        public string Kind => kind;

        public MemoryStream Bytes => bytes;

        public int Next { get; set; }
    }
}

using System.Text.Json;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Log;

/// <summary>Reads the JSON of a row. Unknown members are passed over: a later version may add some.</summary>
internal ref struct RowReader
{
    private readonly ReadOnlySpan<byte> _text;
    private Utf8JsonReader _json;
    private long _closing;
    private LogPosition _before;
    private string? _key;
    private byte[]? _bytes;
    private long _first;
    private int _count;
    private long _at;
    private string _by;
    private readonly List<PlacedFact> _facts;
    private readonly List<ClosingKey> _keys;
    private readonly List<int> _buckets;

    private RowReader(ReadOnlySpan<byte> text)
    {
        _text = text;
        _json = new Utf8JsonReader(text);
        _before = LogPosition.Start;
        _count = -1;
        _by = "";
        _facts = [];
        _keys = [];
        _buckets = [];
    }

    /// <exception cref="JsonException">It is no such row.</exception>
    /// <exception cref="InvalidOperationException">A member has another type.</exception>
    /// <exception cref="FormatException">A fact is damaged or of an unknown kind.</exception>
    public static RowContent Read(RowKind kind, ReadOnlySpan<byte> text)
    {
        var reader = new RowReader(text);
        reader.ReadMembers();
        return kind switch
        {
            RowKind.Facts => new BucketFacts(Needed(reader._closing, "closing"), reader._before, reader._facts),
            RowKind.Reply => new ReplyPart(Needed(reader._closing, "closing"), reader._key ?? throw Missing("key"), reader._bytes ?? throw Missing("bytes")),
            _ => new Closing
            {
                First = Needed(reader._first, "first"),
                Count = reader._count >= 0 ? reader._count : throw Missing("count"),
                At = reader._at,
                By = reader._by,
                Facts = reader._facts,
                Keys = reader._keys,
                Buckets = reader._buckets,
            },
        };
    }

    private void ReadMembers()
    {
        if (!_json.Read() || _json.TokenType != JsonTokenType.StartObject) throw new JsonException("it is no object");
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            var name = _json.GetString();
            _json.Read();
            switch (name)
            {
                case "closing": _closing = _json.GetInt64(); break;
                case "before": _before = _before with { Number = _json.GetInt64() }; break;
                case "beforeTerm": _before = _before with { Term = _json.GetString() ?? "" }; break;
                case "key": _key = _json.GetString(); break;
                case "bytes": _bytes = _json.GetBytesFromBase64(); break;
                case "first": _first = _json.GetInt64(); break;
                case "count": _count = _json.GetInt32(); break;
                case "at": _at = _json.GetInt64(); break;
                case "by": _by = _json.GetString() ?? ""; break;
                case "facts": ReadFacts(); break;
                case "keys": ReadKeys(); break;
                case "buckets": ReadBuckets(); break;
                default: _json.Skip(); break;
            }
        }
        if (_json.TokenType != JsonTokenType.EndObject || _json.Read()) throw new JsonException("there is something after its end");
    }

    private void ReadFacts()
    {
        Array();
        while (_json.Read() && _json.TokenType == JsonTokenType.StartArray)
        {
            _json.Read();
            var ordinal = _json.GetInt32();
            _json.Read();
            var kind = _json.GetString() ?? throw Missing("kind");
            _json.Read();
            var start = (int)_json.TokenStartIndex;
            _json.Skip();
            _facts.Add(new PlacedFact(ordinal, EventCodec.Decode(kind, _text[start..(int)_json.BytesConsumed])));
            if (!_json.Read() || _json.TokenType != JsonTokenType.EndArray) throw new JsonException("a fact has more than three parts");
        }
    }

    private void ReadKeys()
    {
        Array();
        while (_json.Read() && _json.TokenType == JsonTokenType.StartObject)
        {
            string? key = null, digest = null;
            byte[]? reply = null;
            while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
            {
                var name = _json.GetString();
                _json.Read();
                if (name == "key") key = _json.GetString();
                else if (name == "digest") digest = _json.GetString();
                else if (name == "reply") reply = _json.GetBytesFromBase64();
                else _json.Skip();
            }
            _keys.Add(new ClosingKey(key ?? throw Missing("key"), digest ?? throw Missing("digest"), reply));
        }
    }

    private void ReadBuckets()
    {
        Array();
        while (_json.Read() && _json.TokenType == JsonTokenType.Number) _buckets.Add(_json.GetInt32());
    }

    private readonly void Array()
    {
        if (_json.TokenType != JsonTokenType.StartArray) throw new JsonException("a list is no array");
    }

    private static long Needed(long value, string name) => value > 0 ? value : throw Missing(name);

    private static JsonException Missing(string name) => new($"it has no {name}");
}

using System.Text.Unicode;
using MeshDns.Contracts.Services;

namespace MeshDns.Host.Sources;

/// <summary>
/// Reads manifests: Kubernetes-style YAML or JSON, one or many documents, into checked documents. Total: any bytes give a result,
/// in time and memory bounded by <see cref="ManifestLimits"/>. Everything that is wrong is reported, not only the first.
/// </summary>
public static class ManifestReader
{
    private static readonly FieldSet _listFields = new(["apiVersion", "kind", "items"], ["metadata"]);

    /// <summary>Reads one manifest.</summary>
    /// <param name="sourceName">What errors call it: a path, or <c>-</c>.</param>
    /// <param name="utf8">UTF-8 text, with or without a byte order mark.</param>
    /// <param name="format">How it is written.</param>
    public static ManifestResult Read(string sourceName, ReadOnlyMemory<byte> utf8, ManifestFormat format = ManifestFormat.Auto) =>
        ReadAll([new ManifestInput(sourceName, utf8, format)]);

    /// <summary>Reads manifests that are to be applied together; the same document in two of them is an error.</summary>
    public static ManifestResult ReadAll(IEnumerable<ManifestInput> inputs)
    {
        var reading = new Reading();
        foreach (var input in inputs)
        {
            if (reading.Errors.Full) break;
            reading.Read(input);
        }
        return new ManifestResult(reading.Documents, reading.Errors.All);
    }

    private sealed class Reading
    {
        private readonly Dictionary<DocumentKey, ManifestDocument> _seen = [];

        public List<ManifestDocument> Documents { get; } = [];

        public ManifestErrors Errors { get; } = new();

        public void Read(ManifestInput input)
        {
            var utf8 = input.Content;
            if (utf8.Length > ManifestLimits.ManifestBytes)
            {
                Errors.Add(new ManifestError(input.Name, 0, 0, "", $"the manifest has {utf8.Length} bytes, at most {ManifestLimits.ManifestBytes} are allowed"));
                return;
            }
            if (utf8.Span.StartsWith("\uFEFF"u8)) utf8 = utf8[3..];
            if (FindInvalid(utf8.Span) is { } offset)
            {
                Errors.Add(new ManifestError(input.Name, 0, utf8.Span[..offset].Count((byte)'\n') + 1, "", "the text is not UTF-8"));
                return;
            }
            var trees = IsJson(utf8.Span, input.Format) ? new JsonTreeReader(input.Name, utf8, Errors).Read() : new YamlTreeReader(input.Name, utf8, Errors).Read();
            foreach (var tree in trees)
            {
                if (Errors.Full) return;
                ReadTree(input.Name, tree);
            }
        }

        private void ReadTree(string file, ManifestTree tree)
        {
            foreach (var twice in tree.Duplicates)
                Errors.Add(new ManifestError(file, tree.Number, twice.Line, twice.Map.PathOf(twice.Name), "the field is there twice"));
            if (tree.Duplicates.Count > 0) return;
            if (tree.Root is MapNode root && root.Find("kind") is ScalarNode { Text: "List" }) ReadList(file, tree.Number, root);
            else Add(file, tree.Number, tree.Root);
        }

        private void ReadList(string file, int number, MapNode root)
        {
            var scope = new DocumentScope(Errors, file, number, root);
            var list = ObjectFields.Of(scope, root, _listFields);
            if (root.Find("apiVersion") is not ScalarNode { Text: "v1" }) list.Fail("apiVersion", "a List has the apiVersion v1");
            foreach (var item in list.List("items", ManifestLimits.Documents))
            {
                if (Errors.Full) return;
                Add(file, number, item);
            }
        }

        private void Add(string file, int number, ManifestNode root)
        {
            if (DocumentReader.Read(Errors, file, number, root) is not { } document) return;
            var key = document.Document.Key;
            if (!_seen.TryAdd(key, document))
            {
                var first = _seen[key];
                Errors.Add(new ManifestError(file, number, root.Line, root.PathOf("metadata.name"), $"{key} is there twice; the first is document {first.Number} of {first.File}"));
                return;
            }
            if (Documents.Count == ManifestLimits.Documents) Errors.Add(new ManifestError(file, number, root.Line, "", $"at most {ManifestLimits.Documents} documents can be applied together"));
            else Documents.Add(document);
        }

        /// <summary>The offset of the first byte that is not UTF-8; null when all is well.</summary>
        private static int? FindInvalid(ReadOnlySpan<byte> utf8)
        {
            if (Utf8.IsValid(utf8)) return null;
            Span<char> buffer = stackalloc char[1024];
            for (var offset = 0; offset < utf8.Length;)
            {
                Utf8.ToUtf16(utf8[offset..], buffer, out var read, out _, replaceInvalidSequences: false, isFinalBlock: true);
                if (read == 0) return offset;
                offset += read;
            }
            return utf8.Length;
        }

        private static bool IsJson(ReadOnlySpan<byte> utf8, ManifestFormat format)
        {
            if (format != ManifestFormat.Auto) return format == ManifestFormat.Json;
            return utf8.TrimStart(" \t\r\n"u8) is [(byte)'{', ..] && utf8.IndexOf("\n---"u8) < 0;
        }
    }
}

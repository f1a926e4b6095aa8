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
    /// <param name="strict">Refuse kinds that mean nothing for names, instead of passing them over.</param>
    public static ManifestResult Read(string sourceName, ReadOnlyMemory<byte> utf8, ManifestFormat format = ManifestFormat.Auto, bool strict = false) =>
        ReadAll([new ManifestInput(sourceName, utf8, format)], strict);

    /// <summary>Reads manifests that are to be applied together; the same document in two of them is an error.</summary>
    public static ManifestResult ReadAll(IEnumerable<ManifestInput> inputs, bool strict = false)
    {
        var reading = new Reading(strict);
        foreach (var input in inputs)
        {
            if (reading.Errors.Full) break;
            reading.Read(input);
        }
        return new ManifestResult(reading.Documents, reading.Errors.All, reading.Skipped, reading.Resting.Rests);
    }

    private sealed class Reading
    {
        private readonly bool _strict;
        private readonly Dictionary<DocumentKey, ManifestDocument> _seen = [];
        private readonly AliasBudget _aliases = new();

        public Reading(bool strict) => (_strict, Resting) = (strict, new RestingLines(Errors));

        public List<ManifestDocument> Documents { get; } = [];

        public List<SkippedDocument> Skipped { get; } = [];

        public ManifestErrors Errors { get; } = new();

        public RestingLines Resting { get; }

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
            var isJson = IsJson(utf8.Span, input.Format);
            if (!isJson) Resting.Read(input.Name, utf8.Span);
            var trees = isJson ? new JsonTreeReader(input.Name, utf8, Errors).Read() : new YamlTreeReader(input.Name, utf8, Errors, _aliases).Read();
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
            ReadObject(file, tree.Number, tree.Root);
        }

        private void ReadObject(string file, int number, ManifestNode node)
        {
            var scope = new DocumentScope(Errors, file, number, node);
            if (node is not MapNode root) { scope.Fail(node, $"a document must be a map of fields, not {node.Description}"); return; }
            switch (ObjectKinds.Of(scope, root, out var resource))
            {
                case ObjectKind.Document: Add(scope, root, resource!); break;
                case ObjectKind.List: ReadList(scope, root); break;
                case ObjectKind.Other when _strict: ObjectKinds.Refuse(scope, root); break;
                case ObjectKind.Other when HasRoom(scope, root): Skipped.Add(ObjectKinds.Skipped(file, number, root)); break;
            }
        }

        private void ReadList(DocumentScope scope, MapNode root)
        {
            var list = ObjectFields.Of(scope, root, _listFields);
            foreach (var item in list.List("items", ManifestLimits.Documents))
            {
                if (Errors.Full) return;
                if (item is MapNode map) SayKind(root, map);
                ReadObject(scope.File, scope.Number, item);
            }
        }

        /// <summary>The API server leaves kind and apiVersion out of the items of its typed lists.</summary>
        private static void SayKind(MapNode list, MapNode item)
        {
            if (list.Find("kind") is not ScalarNode { Text: var kind } || kind == "List" || item.Find("kind") is not null || item.Find("apiVersion") is not null) return;
            item.TryAdd("kind", new ScalarNode(item.Line, ScalarKind.String, kind[..^"List".Length]), item.Line);
            item.TryAdd("apiVersion", new ScalarNode(item.Line, ScalarKind.String, ((ScalarNode)list.Find("apiVersion")!).Text), item.Line);
        }

        private void Add(DocumentScope scope, MapNode root, ApiResource resource)
        {
            if (DocumentReader.Read(scope, root, resource) is not { } document) return;
            var key = document.Document.Key;
            if (!_seen.TryAdd(key, document))
            {
                var first = _seen[key];
                scope.Fail(root.Line, root.PathOf("metadata.name"), $"{key} is there twice; the first is document {first.Number} of {first.File}");
                return;
            }
            if (HasRoom(scope, root)) Documents.Add(document);
        }

        private bool HasRoom(DocumentScope scope, MapNode root)
        {
            if (Documents.Count + Skipped.Count < ManifestLimits.Documents) return true;
            scope.Fail(root.Line, "", $"at most {ManifestLimits.Documents} documents can be applied together");
            return false;
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

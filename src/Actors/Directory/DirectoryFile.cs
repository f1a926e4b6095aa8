using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MeshDns.Actors.Directory;

/// <summary>
/// The directory on disk, so that a node answers before its journal is open: a header, the image and a SHA-256 over both. Replaced atomically
/// (temporary file, fsync, rename). A file that is damaged, of another version or of a cluster with other settings is not used; the feed then
/// brings everything anyway. A second, small file says until when the first was the whole truth, so that a directory that does not change is not written
/// again and again.
/// </summary>
public static class DirectoryFile
{
    private const uint Magic = 0x4D444952; // "MDIR"
    private const int Version = 1;
    private const int DigestSize = 32;
    private const int NoteSize = DigestSize + sizeof(long) + DigestSize;

    /// <summary>Saves what the directory knows. Does nothing for one that knows nothing yet. Returns the file's digest.</summary>
    /// <exception cref="IOException">The file cannot be written; the one before is untouched.</exception>
    public static byte[] Save(string path, MeshDirectory directory)
    {
        if (!directory.IsLoaded) return [];
        var image = directory.Capture();
        var temporary = path + ".new";
        byte[] saved;
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
        {
            using var digest = SHA256.Create();
            using (var hashed = new CryptoStream(file, digest, CryptoStreamMode.Write, leaveOpen: true))
            using (var buffered = new BufferedStream(hashed, 1 << 16))
            using (var writer = new BinaryWriter(buffered, Encoding.UTF8))
            {
                writer.Write(Magic);
                writer.Write(Version);
                writer.Write(Fingerprint(directory));
                DirectoryImageCodec.Write(writer, image);
            }
            file.Write(saved = digest.Hash!);
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
        return saved;
    }

    /// <summary>Notes that the saved file still was the whole truth at a later read of the journal.</summary>
    /// <param name="path">The saved file.</param>
    /// <param name="digest">What <see cref="Save"/> returned.</param>
    /// <param name="readAt">The journal's clock at that read, milliseconds since the Unix epoch.</param>
    /// <exception cref="IOException">It cannot be noted; the note before is untouched.</exception>
    public static void Confirm(string path, ReadOnlySpan<byte> digest, long readAt)
    {
        Span<byte> note = stackalloc byte[NoteSize];
        digest.CopyTo(note);
        BinaryPrimitives.WriteInt64LittleEndian(note[DigestSize..], readAt);
        SHA256.HashData(note[..^DigestSize], note[^DigestSize..]);
        var temporary = NoteOf(path) + ".new";
        File.WriteAllBytes(temporary, note);
        File.Move(temporary, NoteOf(path), overwrite: true);
    }

    /// <summary>Loads a saved directory into an empty one. Total: false with a reason for any file that cannot be used, nothing loaded then.</summary>
    public static bool TryLoad(string path, MeshDirectory directory, out string reason)
    {
        try
        {
            if (!File.Exists(path)) return Fail("there is no saved directory", out reason);
            if (new FileInfo(path).Length > Array.MaxLength) return Fail($"{path} is too large", out reason);
            var bytes = File.ReadAllBytes(path);
            if (bytes.Length < DigestSize || !SHA256.HashData(bytes.AsSpan(..^DigestSize)).AsSpan().SequenceEqual(bytes.AsSpan(^DigestSize..)))
                return Fail($"{path} is damaged: its checksum is wrong", out reason);
            using var reader = new BinaryReader(new MemoryStream(bytes, 0, bytes.Length - DigestSize, writable: false), Encoding.UTF8);
            if (reader.ReadUInt32() != Magic) return Fail($"{path} is no saved directory", out reason);
            if (reader.ReadInt32() != Version) return Fail($"{path} was written by another version", out reason);
            if (reader.ReadString() != Fingerprint(directory)) return Fail($"{path} is of a cluster with other VIP ranges or shards", out reason);
            var image = DirectoryImageCodec.Read(reader);
            directory.Restore(image with { ReadAt = Math.Max(image.ReadAt, ConfirmedAt(path, bytes.AsSpan(^DigestSize..))) });
            reason = "";
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or ArgumentException)
        {
            return Fail($"{path} cannot be read: {e.Message}", out reason);
        }
    }

    private static string NoteOf(string path) => path + ".read";

    // A note that is missing, damaged or of another file says nothing: the saved directory is then as old as its own time says.
    private static long ConfirmedAt(string path, ReadOnlySpan<byte> digest)
    {
        try
        {
            var file = new FileInfo(NoteOf(path));
            if (!file.Exists || file.Length != NoteSize) return 0;
            ReadOnlySpan<byte> note = File.ReadAllBytes(file.FullName);
            var isWhole = note.Length == NoteSize && SHA256.HashData(note[..^DigestSize]).AsSpan().SequenceEqual(note[^DigestSize..]);
            return isWhole && note.StartsWith(digest) ? BinaryPrimitives.ReadInt64LittleEndian(note[DigestSize..]) : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return 0; }
    }

    private static string Fingerprint(MeshDirectory directory) => $"{directory.Range.V4} {directory.Range.V6} {directory.Shards}";

    private static bool Fail(string why, out string reason)
    {
        reason = why;
        return false;
    }
}

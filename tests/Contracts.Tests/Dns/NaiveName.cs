namespace MeshDns.Contracts.Tests.Dns;

/// <summary>The reading of names written as plainly as the RFC says it: what the codec is compared with.</summary>
internal static class NaiveName
{
    /// <summary>The name in wire form and the offset behind it, or null where it is malformed.</summary>
    public static (byte[] Name, int Next)? Read(byte[] message, int offset)
    {
        var name = new List<byte>();
        int? next = null;
        int start = offset;
        for (int pointers = 0; ;)
        {
            if (offset >= message.Length)
                return null;
            int length = message[offset];
            if (length >= 64)
            {
                if (length < 192 || offset + 1 >= message.Length || ++pointers > 127)
                    return null;
                next ??= offset + 2;
                int target = ((length - 192) * 256) + message[offset + 1];
                if (target < 12 || target >= start)
                    return null;
                offset = target;
                start = target;
                continue;
            }
            if (offset + 1 + length > message.Length || name.Count + 1 + length > 255)
                return null;
            name.AddRange(message[offset..(offset + 1 + length)]);
            offset += 1 + length;
            if (length == 0)
                return ([.. name], next ?? offset);
        }
    }

    public static byte[] Fold(byte[] name) => [.. name.Select(value => value is >= (byte)'A' and <= (byte)'Z' ? (byte)(value + 32) : value)];
}

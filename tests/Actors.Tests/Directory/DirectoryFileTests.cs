using MeshDns.Actors.Directory;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Actors.Tests.Directory;

public sealed class DirectoryFileTests : IDisposable
{
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("meshdns-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "directory");

    public void Dispose() => System.IO.Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_was_saved_is_loaded()
    {
        var saved = Filled();
        DirectoryFile.Save(Path, saved);
        var loaded = New();
        Assert.True(DirectoryFile.TryLoad(Path, loaded, out var reason), reason);
        Assert.Equal(Describe(saved), Describe(loaded));
        Assert.Equal((saved.ReadAt, saved.Names, saved.Leases), (loaded.ReadAt, loaded.Names, loaded.Leases));
        Assert.Equal(saved.Position, loaded.Position);
        Assert.True(loaded.HasNamesBelow(Wire("b.mesh.internal"), ClientView.Default));
        Assert.Equal("v.example", loaded.HolderOf(1)!.Host.Text);
        loaded.Apply(Batch(3, Withdraw("x.example"), Release(1, "v.example")));
        Assert.Equal(0, loaded.Leases);
        Assert.Equal(0, loaded.Violations);
    }

    [Fact]
    public void What_all_nodes_share_is_saved_with_the_names_and_an_older_file_says_nothing_of_it()
    {
        var saved = Filled();
        DirectoryFile.Save(Path, saved);
        var older = New();
        Assert.True(DirectoryFile.TryLoad(Path, older, out var reason), reason);
        Assert.Null(older.Shared);
        saved.Apply(Batch(4, new QuarantineChanged(3_600_000) { At = 1 }, new SettingsChanged(20_000, ["two.internal"], "other.local") { At = 1 }));
        DirectoryFile.Save(Path, saved);
        var loaded = New();
        Assert.True(DirectoryFile.TryLoad(Path, loaded, out reason), reason);
        Assert.Equal(saved.Shared!.Tag, loaded.Shared!.Tag);
        Assert.Equal((3_600_000, 20u), (loaded.Shared.QuarantineMs, loaded.LargestTtl));
        Assert.True(loaded.Zones.Contains(Wire("x.two.internal")) && loaded.Zones.Contains(Wire("x.other.local")));
        Assert.False(loaded.Zones.Contains(Wire("x.mesh.internal")));
    }

    [Fact]
    public void Saving_again_replaces_the_file()
    {
        var directory = Filled();
        DirectoryFile.Save(Path, directory);
        directory.Apply(Batch(9, Withdraw("x.example")));
        DirectoryFile.Save(Path, directory);
        var loaded = New();
        Assert.True(DirectoryFile.TryLoad(Path, loaded, out _));
        Assert.Equal(9, loaded.ReadAt);
        Assert.Single(System.IO.Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_saved_file_that_was_confirmed_later_is_younger_and_only_that_one()
    {
        var directory = Filled();
        var digest = DirectoryFile.Save(Path, directory);
        DirectoryFile.Confirm(Path, digest, 77);
        Assert.Equal(77, Load().ReadAt);
        DirectoryFile.Confirm(Path, digest, 78);
        Assert.Equal(78, Load().ReadAt);
        // Another directory: what was noted of the one before says nothing of it.
        directory.Apply(Batch(9, Withdraw("x.example")));
        DirectoryFile.Save(Path, directory);
        Assert.Equal(9, Load().ReadAt);
    }

    [Fact]
    public void A_damaged_note_says_nothing()
    {
        var directory = Filled();
        DirectoryFile.Confirm(Path, DirectoryFile.Save(Path, directory), 77);
        var note = System.IO.Directory.GetFiles(_folder).Single(f => f != Path);
        var bytes = File.ReadAllBytes(note);
        for (var i = 0; i <= bytes.Length; i++)
        {
            var damaged = bytes[..^(i == bytes.Length ? 1 : 0)];
            if (i < bytes.Length) damaged[i] ^= 1;
            File.WriteAllBytes(note, damaged);
            Assert.Equal(directory.ReadAt, Load().ReadAt);
        }
    }

    [Fact]
    public void A_directory_that_knows_nothing_is_not_saved()
    {
        DirectoryFile.Save(Path, New());
        Assert.False(DirectoryFile.TryLoad(Path, New(), out var reason));
        Assert.Contains("no saved directory", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_a_cluster_with_other_settings_is_ignored()
    {
        DirectoryFile.Save(Path, Filled());
        var other = new MeshDirectory(new VipRange(Cidr.Parse("240.241.0.0/16"), VipRange.Default.V6), new MeshZones([]), ShardCount, TimeProvider.System);
        Assert.False(DirectoryFile.TryLoad(Path, other, out var reason));
        Assert.Contains("other VIP ranges or shards", reason, StringComparison.Ordinal);
        Assert.False(DirectoryFile.TryLoad(Path, new MeshDirectory(VipRange.Default, new MeshZones([]), 16, TimeProvider.System), out _));
    }

    [Fact]
    public void A_damaged_file_is_reported_and_nothing_is_loaded()
    {
        DirectoryFile.Save(Path, Filled());
        var whole = File.ReadAllBytes(Path);
        for (var at = 0; at < whole.Length; at += 7)
        {
            var damaged = (byte[])whole.Clone();
            damaged[at] ^= 0x10;
            AssertRefused(damaged);
            AssertRefused(whole[..at]);
        }
    }

    [Fact]
    public void A_file_whose_checksum_is_right_and_content_wrong_is_reported_too()
    {
        DirectoryFile.Save(Path, Filled());
        var whole = File.ReadAllBytes(Path).AsSpan(..^32).ToArray();
        for (var at = 0; at < whole.Length; at++)
        {
            var damaged = (byte[])whole.Clone();
            damaged[at] = 0xFF;
            File.WriteAllBytes(Path, [.. damaged, .. System.Security.Cryptography.SHA256.HashData(damaged)]);
            var directory = New();
            if (!DirectoryFile.TryLoad(Path, directory, out _)) Assert.False(directory.IsLoaded);
        }
    }

    private void AssertRefused(byte[] file)
    {
        File.WriteAllBytes(Path, file);
        var directory = New();
        Assert.False(DirectoryFile.TryLoad(Path, directory, out var reason));
        Assert.NotEmpty(reason);
        Assert.False(directory.IsLoaded);
    }

    private static MeshDirectory New() => new(VipRange.Default, new MeshZones([HostName.Parse("mesh.internal")]), ShardCount, TimeProvider.System);

    private MeshDirectory Load()
    {
        var loaded = New();
        Assert.True(DirectoryFile.TryLoad(Path, loaded, out var reason), reason);
        return loaded;
    }

    private static MeshDirectory Filled()
    {
        var directory = New();
        directory.Apply(Batch(
            7,
            Declare("x.example", ["10.0.0.1", "2001:db8::1"], exportTo: [".", "prod"]),
            Declare("v.example", eligible: true),
            Grant(1, "v.example"),
            Declare("*.w.example", ["10.0.0.2"]),
            Declare("a.b.mesh.internal", ["10.0.0.3"], ns: "one"),
            Declare("a.b.mesh.internal", ["10.0.0.4"], ns: "two", created: 5),
            Declare("s.default.svc.cluster.local", kind: DocumentKind.Service, externalName: "db.example.com")));
        return directory;
    }

    private static string Describe(MeshDirectory directory) => string.Join('\n', directory.Hosts.OrderBy(h => h.Host.Text, StringComparer.Ordinal).Select(h =>
        $"{h.Host} {h.VipIndex} " + string.Join(';', h.Declarations.ToArray().Select(d =>
            $"{d.DocumentHash:x} {d.Created} {Convert.ToHexString(d.IPv4)} {Convert.ToHexString(d.IPv6)} {d.Shape.Kind} {d.Shape.Namespace} {d.Shape.Eligible} "
            + $"{d.Shape.Resolution} {d.Shape.ExternalName} {string.Join(',', d.Shape.ExportTo)} {string.Join(',', d.Shape.Ports)}"))));
}

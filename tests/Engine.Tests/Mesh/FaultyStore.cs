using MeshDns.Actors.Log;
using MeshDns.Actors.Store;

namespace MeshDns.Engine.Tests.Mesh;

/// <summary>A store that cannot be read while a test says so; what the allocator writes goes another way.</summary>
internal sealed class FaultyStore(ILogStore store, Func<bool> isDown) : ILogStore
{
    public string ClusterId => store.ClusterId;

    public Task<LogEnd> LookAsync(CancellationToken cancel) => Checked().LookAsync(cancel);

    public Task<LogSlice> ReadAsync(LogPosition after, bool isConfirmed, CancellationToken cancel) => Checked().ReadAsync(after, isConfirmed, cancel);

    public Task<IReadOnlyList<LogRow>?> ReadTaggedAsync(string tag, long after, LogPosition upTo, CancellationToken cancel) => Checked().ReadTaggedAsync(tag, after, upTo, cancel);

    public Task SaveImageAsync(MeshImage image, CancellationToken cancel) => Checked().SaveImageAsync(image, cancel);

    public Task VouchAsync(LogPosition image, long row, CancellationToken cancel) => Checked().VouchAsync(image, row, cancel);

    public Task<MeshImage?> FindImageAsync(long atMost, IReadOnlyCollection<string>? parts, CancellationToken cancel) => Checked().FindImageAsync(atMost, parts, cancel);

    public Task CutAsync(long below, CancellationToken cancel) => Checked().CutAsync(below, cancel);

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private ILogStore Checked() => isDown() ? throw new StoreUnavailableException("the test cut it off") : store;
}

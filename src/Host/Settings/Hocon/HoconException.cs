namespace MeshDns.Host.Settings.Hocon;

/// <summary>HOCON text that cannot be read further. Thrown inside this folder and by its entry points only; <see cref="SettingsLoader"/> turns it into an error.</summary>
internal sealed class HoconException(HoconOrigin origin, string message) : Exception(message)
{
    public HoconOrigin Origin { get; } = origin;
}

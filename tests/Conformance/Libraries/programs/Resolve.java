import java.net.InetAddress;

public class Resolve {
    public static void main(String[] names) throws Exception {
        for (InetAddress address : InetAddress.getAllByName(names[0])) System.out.println(address.getHostAddress());
    }
}
